// SPDX-License-Identifier: Apache-2.0
// Only in the static binary. Through NSS a static glibc loads the libnss_*.so that the machine's own
// nsswitch.conf names, and a second libc with them. The libraries that we link ask for users and groups in a
// few places: they are answered from /etc/passwd and /etc/group, without NSS.
// (getaddrinfo stays: prepare_process() pins its sources to "files dns", which are built in.)

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

// These all keep the contract of the function they replace: 0 and *result == NULL mean "no such entry".

static int no_such_entry(int rc) {
    return rc == ENOENT ? 0 : rc;
}

static FILE *open_database(const char *path, int *rc) {
    FILE *file = fopen(path, "re");
    *rc = file ? 0 : no_such_entry(errno);
    return file;
}

static int find_user(const char *name, uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **result) {
    int rc;
    FILE *file = open_database("/etc/passwd", &rc);
    *result = NULL;
    if (!file)
        return rc;
    while ((rc = fgetpwent_r(file, entry, buffer, size, result)) == 0) {
        if (name ? strcmp(entry->pw_name, name) == 0 : entry->pw_uid == uid)
            break;
        *result = NULL;
    }
    fclose(file);
    return no_such_entry(rc);
}

static int find_group(const char *name, gid_t gid, struct group *entry, char *buffer, size_t size, struct group **result) {
    int rc;
    FILE *file = open_database("/etc/group", &rc);
    *result = NULL;
    if (!file)
        return rc;
    while ((rc = fgetgrent_r(file, entry, buffer, size, result)) == 0) {
        if (name ? strcmp(entry->gr_name, name) == 0 : entry->gr_gid == gid)
            break;
        *result = NULL;
    }
    fclose(file);
    return no_such_entry(rc);
}

int getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size, struct passwd **result) {
    return find_user(name, 0, entry, buffer, size, result);
}

int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **result) {
    return find_user(NULL, uid, entry, buffer, size, result);
}

int getgrnam_r(const char *name, struct group *entry, char *buffer, size_t size, struct group **result) {
    return find_group(name, 0, entry, buffer, size, result);
}

int getgrgid_r(gid_t gid, struct group *entry, char *buffer, size_t size, struct group **result) {
    return find_group(NULL, gid, entry, buffer, size, result);
}

// libcrypto's own BIO sockets want it; ours go through curl.
struct hostent *gethostbyname(const char *name) {
    (void)name;
    h_errno = HOST_NOT_FOUND;
    return NULL;
}
