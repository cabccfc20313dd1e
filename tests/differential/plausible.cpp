// SPDX-License-Identifier: Apache-2.0
#include "differential/plausible.hpp"

#include <array>
#include <string>

namespace provision::test {
namespace {

using Texts = std::span<const std::string_view>;

template <std::size_t n>
using Words = std::array<std::string_view, n>;

constexpr auto sha512 =
    "sha512-"
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417"
    "a81a538327af927da3e";
constexpr auto sha512_short =
    "sha512-"
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417"
    "a81a538327af927da3";
constexpr auto sha256 = "sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

constexpr Words<11> good_urls{"data:,hello%20world",
                              "data:text/plain;charset=utf-8;base64,aGVsbG8=",
                              "data:;base64,aGVsbG8gd29ybGQ=",
                              "data:,~",
                              "http://example.com/~",
                              "https://example.com:8443/a/~?x=1&y=%20",
                              "https://user:secret@[::1]:80/~",
                              "tftp://192.0.2.1/~",
                              "s3://bucket/key-~",
                              "s3://bucket/key-~?versionId=v1",
                              ""};
constexpr Words<71> odd_urls{"example.com/x",
                             "ftp://example.com/x",
                             "file:///etc/passwd",
                             "mailto:someone@example.com",
                             "oem:///x",
                             "http:",
                             "http:x",
                             "http://",
                             "gs://",
                             "gs://bucket/x",
                             "HTTP://EXAMPLE.COM/",
                             "http://[::1",
                             "http://::1/",
                             "http://[::1]x/",
                             "http://[fe80::1%25en0]/",
                             "http://[fe80::1%en0]/",
                             "http://%zz/",
                             "http://example.com/%",
                             "http://example.com/%zz",
                             "http://example.com/?%zz",
                             "http://example.com/?a;b",
                             "http://example.com/?a;b&versionId=",
                             "http://example.com/#%zz",
                             "http://example.com:99999/",
                             "http://example.com:/",
                             "http://example.com:abc/",
                             "http://example.com:80:80/",
                             "http://user name@example.com/",
                             "http://us[er@example.com/",
                             "http://exa mple.com/",
                             "http://exa<mple.com/",
                             "http://exa%20mple.com/",
                             "http://exa%41mple.com/",
                             "http://ex\xc3\xa4mple.com/",
                             "http://example.com/a b",
                             "http://example.com/\x01",
                             "http://example.com/\x7f",
                             " http://example.com/",
                             "http://example.com/\n",
                             "://x",
                             ":",
                             "//example.com/x",
                             "/x",
                             "?",
                             "#",
                             "1http://x",
                             "h+t-t.p://x",
                             "h_p://x",
                             "s3://bucket/key?versionId=",
                             "s3://bucket/key?versionId",
                             "s3://bucket/key?versionid=",
                             "s3://bucket/key?%76ersionId=",
                             "arn:aws:s3:::bucket/key",
                             "arn:aws:s3:::bucket",
                             "data:",
                             "data:x",
                             "data:,a b",
                             "data:,\xc3\xa4",
                             "data:,a#b",
                             "data:,%4",
                             "data:,%zz",
                             "Data:,x",
                             "data:;BASE64,aGVsbG8=",
                             "data:;base64,aGVsbG8",
                             "data:;base64,aGVs\nbG8=",
                             "data:;base64,aGVsbG8%3D",
                             "data:;base64,-_==",
                             "data:foo/bar,x",
                             "data:x-foo/bar;a=\"b c\",x",
                             "data:text/plain;a,x",
                             "data:text/plain;base64;a=b,x"};

constexpr Words<6> good_paths{"/etc/file-~", "/var/lib/deep/er/file-~", "/opt/with space/~", "/srv/\xc3\xa4~", "/~",
                              "/shared-$"};
constexpr Words<18> odd_paths{"",
                              "/",
                              "//",
                              "relative/path",
                              "/trailing/",
                              "/double//slash",
                              "/a/./b",
                              "/a/../b",
                              "/..",
                              ".",
                              "..",
                              "/a/...",
                              "/a\\b",
                              "/etc/systemd/system/unit-$.service",
                              "/etc/systemd/system/unit-$.service.d/drop-$.conf",
                              "/etc/systemd/system",
                              "/shared-$",
                              "/shared-$/below-$"};
constexpr Words<3> good_devices{"/dev/disk/by-id/disk-~", "/dev/vd~", "/dev/md/array-~"};
constexpr Words<9> odd_devices{
    "", "/dev/vd$", "vda", "/dev//vda", "/dev/vda/", "/dev/../vda", "/", "tag", "/dev/disk/by-label/$"};

constexpr Words<6> good_versions{"3.0.0", "3.1.0", "3.2.0", "3.3.0", "3.2.0", "3.3.0"};
constexpr Words<19> odd_versions{"",
                                 "3",
                                 "3.0",
                                 "3.0.0-experimental",
                                 "3.3.0-experimental",
                                 "3.0.1",
                                 "3.0.0+x",
                                 "03.0.0",
                                 "3.0.00",
                                 "v3.0.0",
                                 " 3.0.0",
                                 "3.0.0 ",
                                 "2.0.0",
                                 "2.2.0",
                                 "2.3.0",
                                 "1.0.0",
                                 "4.0.0",
                                 "3.99.0",
                                 "3.0.0.0"};

constexpr Words<3> good_labels{"label-~", "l~", "\xc3\xa4-~"};
constexpr Words<13> odd_labels{"",
                               "label-$",
                               "with:colon",
                               "with/slash",
                               "exactly-11c",
                               "exactly-12-c",
                               "exactly-15-cha",
                               "exactly-16-chars",
                               "exactly-17-charsx",
                               "thirty-six-bytes-0123456789-01234567",
                               "thirty-seven-bytes-0123456789-0123456",
                               "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4",
                               "forty-eight-bytes-of-label-0123456789-0123456789"};
constexpr Words<3> good_guids{"0fc63daf-8483-4772-8e79-3d69d8477de4", "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
                              "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"};
constexpr Words<7> odd_guids{"",
                             "not-a-guid",
                             "0fc63daf84834772-8e79-3d69d8477de4",
                             "0fc63daf-8483-4772-8e79-3d69d8477de",
                             "0fc63daf-8483-4772-8e79-3d69d8477deg",
                             "{0fc63daf-8483-4772-8e79-3d69d8477de4}",
                             "0fc63daf-8483-4772-8e79-3d69d8477de4\n"};

constexpr Words<5> good_units{"unit-~.service", "unit-~.service", "mount-~.mount", "at-~@.service", "at-~@one.service"};
constexpr Words<15> odd_units{"",
                              ".service",
                              "unit",
                              "unit.conf",
                              "unit-$.service",
                              "at-$@.service",
                              "at-$@x.service",
                              "unit.SERVICE",
                              "unit.service ",
                              "unit.service.d",
                              "../x.service",
                              "unit.timer.bak",
                              "unit.network",
                              "a.slice",
                              "a.scope"};
constexpr Words<4> good_unit_texts{
    "[Unit]\nDescription=x\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n",
    "[Service]\nType=oneshot\n", "", "# only a comment\n[Service]\nExecStart=/bin/a \\\n  b\n"};
constexpr Words<22> odd_unit_texts{"no section",
                                   "a=b\n",
                                   "[",
                                   "[]",
                                   "[Service",
                                   "[Service\n]",
                                   "[Service] x\n",
                                   "[Service]  \t\nA=b",
                                   "[Service]\nno equals\n",
                                   "[Service]\nno equals",
                                   "[Service]\n=value\n",
                                   "[Service]\nkey=\n",
                                   "[Service]\nkey=\\",
                                   "[Service]\nkey=\\\n",
                                   "[Service]\nkey\\\n=value\n",
                                   "[Service]\r\nkey=value\r\n",
                                   "[Service]\n# comment \\\nno equals\n",
                                   "[Service]\n; comment",
                                   "[Service]\n  indented=1\n[Other]\n",
                                   "[Service][Other]\n",
                                   "[Ser[vice]\nx=y\n",
                                   "[Install]"};

constexpr Words<3> plain_texts{"text-~", "word-~", "two words ~"};
constexpr Words<9> odd_texts{
    "", " ", "/", "with:colon", "with/slash", "new\nline", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "tab\t", "\x7f"};
constexpr Words<3> hash_good{sha512, sha512, sha512};
constexpr Words<10> hash_odd{"",
                             sha256,
                             sha512_short,
                             "sha512-",
                             "sha512",
                             "sha1-da39a3ee5e6b4b0d3255bfef95601890afd80709",
                             "md5-d41d8cd98f00b204e9800998ecf8427e",
                             "-",
                             "SHA512-cf83",
                             "sha256-zzzzc44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"};
constexpr Words<2> compression_good{"gzip", ""};
constexpr Words<4> compression_odd{"xz", "GZIP", "gzip ", "none"};
constexpr Words<3> header_good{"X-Header-~", "Authorization-~", "Accept-~"};
constexpr Words<4> header_odd{"", "Accept", "accept", "x y"};
constexpr Words<3> proxy_good{"http://proxy.example.com:3128", "http://proxy-~/", "http://[::1]:80"};
constexpr Words<8> proxy_odd{
    "",       "https://proxy.example.com", "proxy.example.com:3128", "socks5://proxy", "HTTP://proxy", "http:", "%",
    "//proxy"};
constexpr Words<3> level_good{"raid1", "mirror", "10"};
constexpr Words<16> level_odd{"",  "raid0", "0", "stripe", "linear", "raid4", "4",     "raid5",
                              "5", "raid6", "6", "raid10", "1",      "RAID1", "raid2", "01"};
constexpr Words<5> format_good{"ext4", "xfs", "btrfs", "vfat", "swap"};
constexpr Words<6> format_odd{"", "none", "ext3", "virtiofs", "XFS", "ext4 "};
constexpr Words<2> pin_good{"tpm2", "tang"};
constexpr Words<5> pin_odd{"", "sss", "TPM2", "other", "tang "};
constexpr Words<2> tang_good{"http://tang-~.example.com", "https://tang.example.com/~"};
constexpr Words<6> tang_odd{"", "tang.example.com", "tftp://tang", "HTTP://tang", "http://%zz", "data:,x"};
constexpr Words<2> dropin_good{"drop-~.conf", "10-~.conf"};
constexpr Words<6> dropin_odd{"", ".conf", "drop.service", "drop-$.conf", "drop.CONF", "../../x.conf"};
constexpr Words<3> karg_good{"karg-~", "key-~=value", "quiet=~"};
constexpr Words<4> karg_odd{"", "karg-$", "two words", "quiet"};
constexpr Words<3> target_good{"/usr/lib/target-~", "../relative-~", "/shared-$"};
constexpr Words<6> target_odd{"", "/shared-$", "shared-$", ".", "/", "../shared-$"};

constexpr std::array table{
    Plausible{"source", good_urls, odd_urls},
    Plausible{"hash", hash_good, hash_odd},
    Plausible{"compression", compression_good, compression_odd},
    Plausible{"httpHeaders.name", header_good, header_odd},
    Plausible{"httpProxy", proxy_good, proxy_odd},
    Plausible{"httpsProxy", proxy_good, proxy_odd},
    Plausible{"version", good_versions, odd_versions},
    Plausible{"path", good_paths, odd_paths},
    Plausible{"device", good_devices, odd_devices},
    Plausible{"devices", good_devices, odd_devices},
    Plausible{"label", good_labels, odd_labels},
    Plausible{"guid", good_guids, odd_guids},
    Plausible{"typeGuid", good_guids, odd_guids},
    Plausible{"uuid", good_guids, odd_guids},
    Plausible{"level", level_good, level_odd},
    Plausible{"format", format_good, format_odd},
    Plausible{"pin", pin_good, pin_odd},
    Plausible{"url", tang_good, tang_odd},
    Plausible{"units.name", good_units, odd_units},
    Plausible{"dropins.name", dropin_good, dropin_odd},
    Plausible{"units.contents", good_unit_texts, odd_unit_texts},
    Plausible{"dropins.contents", good_unit_texts, odd_unit_texts},
    Plausible{"shouldExist", karg_good, karg_odd},
    Plausible{"shouldNotExist", karg_good, karg_odd},
    Plausible{"target", target_good, target_odd},
};
constexpr Plausible other{"", plain_texts, odd_texts};

}  // namespace

const Plausible& plausible_string(std::string_view record, std::string_view field) {
  const std::string full = std::string(record) + "." + std::string(field);
  for (const auto& row : table) {
    if (row.field == full || row.field == field) {
      return row;
    }
  }
  return other;
}

}  // namespace provision::test
