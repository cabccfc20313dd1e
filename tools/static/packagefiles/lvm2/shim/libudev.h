/* Minimal stand-in for libudev: the five calls libdevmapper makes to learn
 * whether a udev daemon is running. Own work, header-only. */
#ifndef SHIM_LIBUDEV_H
#define SHIM_LIBUDEV_H
#include <unistd.h>
struct udev { char unused; };
struct udev_queue { char unused; };
static inline struct udev *udev_new(void) { static struct udev u; return &u; }
static inline struct udev *udev_unref(struct udev *u) { (void)u; return 0; }
static inline struct udev_queue *udev_queue_new(struct udev *u) { static struct udev_queue q; (void)u; return &q; }
static inline struct udev_queue *udev_queue_unref(struct udev_queue *q) { (void)q; return 0; }
static inline int udev_queue_get_udev_is_active(struct udev_queue *q) { (void)q; return access("/run/udev/control", F_OK) == 0; }
#endif
