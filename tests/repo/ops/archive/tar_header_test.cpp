#include "ops/archive/tar_header.h"

#include "ops/archive/tar_acl.h"

#include <string>

#include "catch2.h"

using namespace cairn;
using namespace cairn::repo;

namespace {

std::string header_of(const Entry& entry, std::string path,
                      std::optional<std::string> hard_link_to = {}) {
  return core::to_string(ops::tar_header({std::move(path), entry, std::move(hard_link_to)}));
}

Entry file(std::uint64_t size_bytes = 0) {
  Entry entry;
  entry.name = std::string("f");  // from a literal, GCC 12 warns of an overlap
  entry.mode = 0644;
  entry.content.size_bytes = size_bytes;
  return entry;
}

std::string field(const std::string& block, std::size_t offset, std::size_t length) {
  return block.substr(offset, length).c_str();
}

}  // namespace

TEST_CASE("an ordinary file takes one block") {
  Entry entry = file(1'234);
  entry.mtime = {1'000'000, 0};
  entry.owner = {.uid = 1'000, .gid = 100, .user = "ada", .group = "users"};
  const std::string block = header_of(entry, "./a/f");
  REQUIRE(block.size() == ops::kTarBlockBytes);
  CHECK(field(block, 0, 100) == "./a/f");
  CHECK(field(block, 100, 8) == "0000644");
  CHECK(field(block, 108, 8) == "0001750");
  CHECK(field(block, 116, 8) == "0000144");
  CHECK(field(block, 124, 12) == "00000002322");
  CHECK(field(block, 136, 12) == "00003641100");
  CHECK(block[156] == '0');
  CHECK(block.substr(257, 8) == std::string("ustar\0"
                                            "00",
                                            8));
  CHECK(field(block, 265, 32) == "ada");
  CHECK(field(block, 297, 32) == "users");
  unsigned sum = 8 * ' ';
  for (std::size_t i = 0; i < block.size(); ++i) {
    sum += i >= 148 && i < 156 ? 0U : static_cast<unsigned char>(block[i]);
  }
  CHECK(std::stoul(field(block, 148, 8), nullptr, 8) == sum);
}

TEST_CASE("what does not fit into a field goes into a record that counts itself") {
  Entry entry = file(std::uint64_t{1} << 33);
  entry.owner.uid = 1U << 21;
  entry.owner.gid = 0xffff'fffe;
  entry.owner.user = std::string(32, 'u');
  entry.owner.group = std::string(33, 'g');
  entry.mtime = {-2, 500'000'000};
  entry.xattrs = {{"user.a=b%", std::string("v\0\n", 3)}};
  const std::string path(101, 'p');
  const std::string blocks = header_of(entry, path);
  CHECK(blocks[156] == 'x');
  CHECK(blocks.size() % ops::kTarBlockBytes == 0);
  const auto size = std::stoul(field(blocks, 124, 12), nullptr, 8);
  const std::string records = blocks.substr(ops::kTarBlockBytes, size);
  const std::vector<std::string> expected = {
      "111 path=" + path + "\n",
      "19 size=8589934592\n",
      "15 uid=2097152\n",
      "18 gid=4294967294\n",
      "42 uname=" + entry.owner.user + "\n",
      "43 gname=" + entry.owner.group + "\n",
      "22 mtime=-1.500000000\n",
      std::string("34 SCHILY.xattr.user.a%3Db%25=v\0\n\n", 34)};
  std::string all;
  for (const std::string& record : expected) {
    CAPTURE(record, records);
    CHECK(records.find(record) != std::string::npos);
    CHECK(record.starts_with(std::to_string(record.size()) + ' '));
    all += record;
  }
  CHECK(records == all);
  CHECK(field(blocks, blocks.size() - ops::kTarBlockBytes + 108, 8) == "0000000");
}

TEST_CASE("the length of a record is right around powers of ten") {
  for (std::size_t length = 80; length < 110; ++length) {
    Entry entry = file();
    entry.xattrs = {{"user.x", std::string(length, 'v')}};
    const std::string blocks = header_of(entry, "f");
    const auto size = std::stoul(field(blocks, 124, 12), nullptr, 8);
    CHECK(blocks.substr(ops::kTarBlockBytes).starts_with(std::to_string(size) + ' '));
    CHECK(blocks[ops::kTarBlockBytes + size - 1] == '\n');
  }
}

TEST_CASE("access control lists become texts, and what is none stays an attribute") {
  using namespace std::string_literals;
  const std::string head("\x02\0\0\0", 4);
  const std::string entries =
      "\x01\0\x06\0\xff\xff\xff\xff"s
      "\x02\0\x04\0\xe8\x03\0\0"s
      "\x04\0\x05\0\xff\xff\xff\xff"s
      "\x08\0\x00\0\x05\0\0\0"s
      "\x10\0\x07\0\xff\xff\xff\xff"s
      "\x20\0\x01\0\xff\xff\xff\xff"s;
  const std::string text =
      "user::rw-\nuser:1000:r--\ngroup::r-x\ngroup:5:---\nmask::rwx\nother::--x\n";
  CHECK(ops::acl_text(head + entries) == text);
  for (const std::string& bad : {std::string(), "\x01\0\0\0"s, head + entries.substr(1),
                                 head + "\x03\0\x06\0\0\0\0\0"s, head + "\x01\0\x08\0\0\0\0\0"s}) {
    CHECK(ops::acl_text(bad) == std::nullopt);
  }
  Entry entry = file();
  entry.xattrs = {{"system.posix_acl_access", head + entries},
                  {"system.posix_acl_default", "nonsense"}};
  const std::string blocks = header_of(entry, "./f");
  CHECK(blocks.find("SCHILY.acl.access=" + text) != std::string::npos);
  CHECK(blocks.find("SCHILY.xattr.system.posix_acl_access") == std::string::npos);
  CHECK(blocks.find("SCHILY.xattr.system.posix_acl_default=nonsense") != std::string::npos);
}

TEST_CASE("every type has its flag") {
  const auto flag_of = [](EntryType type) {
    Entry entry = file();
    entry.type = type;
    return header_of(entry, "f")[156];
  };
  CHECK(flag_of(EntryType::file) == '0');
  CHECK(flag_of(EntryType::symlink) == '2');
  CHECK(flag_of(EntryType::char_device) == '3');
  CHECK(flag_of(EntryType::block_device) == '4');
  CHECK(flag_of(EntryType::folder) == '5');
  CHECK(flag_of(EntryType::fifo) == '6');
  const std::string link = header_of(file(99), "f", "./first");
  CHECK(link[156] == '1');
  CHECK(field(link, 157, 100) == "./first");
  CHECK(field(link, 124, 12) == "00000000000");
}

TEST_CASE("sockets and device numbers without room are refused") {
  Entry entry = file();
  entry.type = EntryType::socket;
  CHECK_FALSE(ops::fits_into_tar(entry));
  entry.type = EntryType::block_device;
  entry.device = {8, (1U << 21) - 1};
  CHECK(ops::fits_into_tar(entry));
  entry.device.minor += 1;
  CHECK_FALSE(ops::fits_into_tar(entry));
}

TEST_CASE("contents are filled up to whole blocks") {
  CHECK(ops::tar_padding(0) == 0);
  CHECK(ops::tar_padding(1) == 511);
  CHECK(ops::tar_padding(512) == 0);
  CHECK(ops::tar_padding(kFileSizeMax) == 1);
}
