#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/chunker/policy.h"
#include "catch2.h"
#include "seeded_data.h"

namespace cairn::chunker {
namespace {

using namespace std::string_view_literals;

/// A file's head, filled in field by field.
class HeadBuilder {
 public:
  explicit HeadBuilder(std::size_t size = kClassifyBytes) : bytes_(size, std::byte{0}) {}

  HeadBuilder& put(std::size_t offset, std::string_view text) {
    std::copy(core::as_view(text).begin(), core::as_view(text).end(),
              bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
    return *this;
  }
  HeadBuilder& u16_le(std::size_t offset, unsigned value) {
    bytes_[offset] = static_cast<std::byte>(value);
    bytes_[offset + 1] = static_cast<std::byte>(value >> 8);
    return *this;
  }
  HeadBuilder& u32_le(std::size_t offset, std::uint32_t value) {
    return u16_le(offset, value & 0xFFFF).u16_le(offset + 2, value >> 16);
  }
  HeadBuilder& u16_be(std::size_t offset, unsigned value) {
    return u16_le(offset, (value >> 8 & 0xFF) | (value & 0xFF) << 8);
  }
  HeadBuilder& u32_be(std::size_t offset, std::uint32_t value) {
    return u16_be(offset, value >> 16).u16_be(offset + 2, value & 0xFFFF);
  }
  [[nodiscard]] core::ByteView view() const { return bytes_; }
  [[nodiscard]] ContentClass classify(std::uint64_t size_bytes) const {
    return chunker::classify(bytes_, size_bytes);
  }
  [[nodiscard]] ContentClass classify() const { return classify(bytes_.size()); }

 private:
  core::Bytes bytes_;
};

ContentClass classify_text(std::string_view text) {
  return classify(core::as_view(text), text.size());
}

HeadBuilder sqlite_head(unsigned page_size) {
  return HeadBuilder().put(0, "SQLite format 3\0"sv).u16_be(16, page_size).put(18, "\1\1\0@  "sv);
}

HeadBuilder postgresql_head() {
  return HeadBuilder()
      .u32_le(4, 0x1234)        // log position
      .u16_le(12, 24 + 40 * 4)  // lower
      .u16_le(14, 2000)         // upper
      .u16_le(16, 8192)         // special
      .u16_le(18, 0x2004);      // page size and layout version
}

HeadBuilder lmdb_head() {
  return HeadBuilder().u16_le(10, 0x08).u32_le(16, 0xBEEFC0DE).u32_le(20, 1);
}

HeadBuilder innodb_head() {
  return HeadBuilder()
      .u32_be(20, 77)   // log position
      .u16_be(24, 8)    // page type
      .u32_be(34, 5)    // space
      .u32_be(38, 5)    // space again
      .u32_be(46, 16);  // pages
}

HeadBuilder partition_table_head() {
  return HeadBuilder()
      .put(446, "\x80"sv)
      .put(450, "\x83"sv)
      .u32_le(454, 2048)
      .u32_le(458, 100000)
      .put(510, "\x55\xaa"sv);
}

HeadBuilder ext4_head() {
  return HeadBuilder().u32_le(1028, 5000).u32_le(1048, 2).u16_le(1080, 0xEF53).u32_le(1100, 1);
}

HeadBuilder xfs_head() { return HeadBuilder().put(0, "XFSB"sv).u32_be(4, 4096); }

/// Two frames of MPEG 1 layer III, 128 kbit/s, 44100 Hz: 417 bytes each.
HeadBuilder mp3_head() {
  return HeadBuilder().put(0, "\xff\xfb\x90\x64"sv).put(417, "\xff\xfb\x90\x64"sv);
}

constexpr std::uint64_t kImageBytes = 64 << 20;

}  // namespace

TEST_CASE("SQLite databases are page files", "[chunker][classify]") {
  for (const unsigned page_size : {512U, 1024U, 4096U, 32768U, 1U}) {
    CHECK(sqlite_head(page_size).classify() == ContentClass::page_file);
  }
  for (const unsigned page_size : {0U, 2U, 256U, 4097U, 49152U}) {
    CHECK(sqlite_head(page_size).classify() == ContentClass::general);
  }
  CHECK(sqlite_head(4096).put(21, "\0"sv).classify() == ContentClass::general);
  CHECK(sqlite_head(4096).put(15, " "sv).classify() == ContentClass::general);
  CHECK(classify_text("SQLite format 3\0"sv) == ContentClass::general);
}

TEST_CASE("PostgreSQL relations are page files", "[chunker][classify]") {
  CHECK(postgresql_head().classify(8192) == ContentClass::page_file);
  CHECK(postgresql_head().classify(1 << 30) == ContentClass::page_file);
  // Special space, as in an index.
  CHECK(postgresql_head().u16_le(16, 8176).classify(8192) == ContentClass::page_file);
  CHECK(postgresql_head().u16_le(10, 5).classify(8192) == ContentClass::page_file);

  CHECK(postgresql_head().classify(8192 + 4096) == ContentClass::general);
  CHECK(postgresql_head().classify(0) == ContentClass::general);
  CHECK(postgresql_head().u16_le(18, 0x2005).classify(8192) == ContentClass::general);
  CHECK(postgresql_head().u16_le(10, 8).classify(8192) == ContentClass::general);
  CHECK(postgresql_head().u16_le(12, 20).classify(8192) == ContentClass::general);
  CHECK(postgresql_head().u16_le(14, 100).classify(8192) == ContentClass::general);
  CHECK(postgresql_head().u16_le(16, 1000).classify(8192) == ContentClass::general);
  CHECK(postgresql_head().u16_le(16, 8200).classify(8192) == ContentClass::general);
  CHECK(postgresql_head().u16_le(16, 8172).classify(8192) == ContentClass::general);
}

TEST_CASE("LMDB environments are page files", "[chunker][classify]") {
  CHECK(lmdb_head().classify() == ContentClass::page_file);
  CHECK(lmdb_head().u16_le(10, 2).classify() == ContentClass::general);
  CHECK(lmdb_head().u32_le(16, 0xBEEFC0DF).classify() == ContentClass::general);
  CHECK(lmdb_head().u32_le(20, 7).classify() == ContentClass::general);
}

TEST_CASE("InnoDB tablespaces are page files", "[chunker][classify]") {
  CHECK(innodb_head().classify(16 * 16384) == ContentClass::page_file);
  CHECK(innodb_head().classify(16 * 16384 + 1) == ContentClass::general);
  CHECK(innodb_head().classify(8 * 4096) == ContentClass::general);
  CHECK(innodb_head().u32_be(4, 1).classify(16 * 16384) == ContentClass::general);
  CHECK(innodb_head().u32_be(20, 0).classify(16 * 16384) == ContentClass::general);
  CHECK(innodb_head().u16_be(24, 9).classify(16 * 16384) == ContentClass::general);
  CHECK(innodb_head().u32_be(38, 6).classify(16 * 16384) == ContentClass::general);
  CHECK(innodb_head().u32_be(46, 0).classify(16 * 16384) == ContentClass::general);
}

TEST_CASE("images of virtual machines are disk images", "[chunker][classify]") {
  for (const auto magic :
       {"KDMV\1\0\0\0"sv, "COWD\1\0\0\0"sv, "vhdxfile"sv, "conectix"sv, "LUKS\xba\xbe\0\2"sv}) {
    CAPTURE(std::string(magic));
    CHECK(HeadBuilder().put(0, magic).classify() == ContentClass::disk_image);
    CHECK(HeadBuilder().put(1, magic).classify() == ContentClass::general);
  }
  CHECK(HeadBuilder().put(64, "\x7f\x10\xda\xbe"sv).classify() == ContentClass::disk_image);
  CHECK(HeadBuilder().put(0, "QFI\xfb\0\0\0\1"sv).classify() == ContentClass::general);
  // A VMDK descriptor is a small text.
  CHECK(classify_text("# Disk DescriptorFile\nversion=1\n") == ContentClass::general);
}

TEST_CASE("images with compressed clusters lie on no grid", "[chunker][classify]") {
  for (const auto magic : {"QFI\xfb\0\0\0\2"sv, "QFI\xfb\0\0\0\3"sv}) {
    const auto qcow2 = [magic](std::uint32_t cluster_bits, std::uint64_t size_bytes) {
      return HeadBuilder().put(0, magic).u32_be(20, cluster_bits).classify(size_bytes);
    };
    CHECK(qcow2(16, 65536 * 100) == ContentClass::disk_image);
    CHECK(qcow2(9, 512 * 101) == ContentClass::disk_image);
    CHECK(qcow2(21, std::uint64_t{1} << 40) == ContentClass::disk_image);
    CHECK(qcow2(16, 65536 * 100 + 512) == ContentClass::compressed);
    CHECK(qcow2(21, 65536 * 101) == ContentClass::compressed);
    for (const std::uint32_t no_size : {0U, 8U, 22U, 64U, 0xFFFFFFFFU}) {
      CHECK(qcow2(no_size, 65536 * 100) == ContentClass::compressed);
    }
    CHECK(HeadBuilder().put(1, magic).classify() == ContentClass::general);
  }
  const auto vmdk = HeadBuilder().put(0, "KDMV\1\0\0\0"sv);
  CHECK(HeadBuilder(vmdk).u32_le(8, 3).classify() == ContentClass::disk_image);
  CHECK(HeadBuilder(vmdk).u32_le(8, 0x30001).classify() == ContentClass::compressed);
}

TEST_CASE("raw disks are disk images", "[chunker][classify]") {
  CHECK(partition_table_head().classify(kImageBytes) == ContentClass::disk_image);
  CHECK(HeadBuilder().put(512, "EFI PART"sv).classify(kImageBytes) == ContentClass::disk_image);

  CHECK(partition_table_head().classify(kImageBytes + 1) == ContentClass::general);
  CHECK(partition_table_head().classify(4096) == ContentClass::general);
  CHECK(HeadBuilder().put(512, "EFI PART"sv).classify(4096) == ContentClass::general);
  // The signature alone, as in a boot sector of a file system.
  CHECK(HeadBuilder().put(510, "\x55\xaa"sv).classify(kImageBytes) == ContentClass::general);
  CHECK(partition_table_head().put(446, "\x7f"sv).classify(kImageBytes) == ContentClass::general);
  CHECK(partition_table_head().put(466, "\x83"sv).classify(kImageBytes) == ContentClass::general);
  CHECK(partition_table_head().u32_le(458, 0).classify(kImageBytes) == ContentClass::general);
  CHECK(partition_table_head().put(511, "\0"sv).classify(kImageBytes) == ContentClass::general);
}

TEST_CASE("raw file systems are disk images", "[chunker][classify]") {
  CHECK(ext4_head().classify(kImageBytes) == ContentClass::disk_image);
  CHECK(ext4_head().classify(4096) == ContentClass::general);
  CHECK(ext4_head().u32_le(1028, 0).classify(kImageBytes) == ContentClass::general);
  CHECK(ext4_head().u32_le(1048, 7).classify(kImageBytes) == ContentClass::general);
  CHECK(ext4_head().u32_le(1100, 2).classify(kImageBytes) == ContentClass::general);

  CHECK(xfs_head().classify(kImageBytes) == ContentClass::disk_image);
  CHECK(xfs_head().u32_be(4, 4095).classify(kImageBytes) == ContentClass::general);
  CHECK(xfs_head().u32_be(4, 0).classify(kImageBytes) == ContentClass::general);
}

TEST_CASE("archives, streams and media with a magic are compressed", "[chunker][classify]") {
  const std::vector<std::string_view> magics = {
      "\x1f\x8b\x08\0"sv,
      "BZh91AY&SY"sv,
      "\xfd"
      "7zXZ\0"sv,
      "\x28\xb5\x2f\xfd"sv,
      "\x04\x22\x4d\x18"sv,
      "\x02\x21\x4c\x18"sv,
      "LZIP\1"sv,
      "PK\3\4"sv,
      "7z\xbc\xaf\x27\x1c"sv,
      "Rar!\x1a\x07"sv,
      "hsqs"sv,
      "!<arch>\ndebian-binary   "sv,
      "\xed\xab\xee\xdb"sv,
      "PACK\0\0\0\2"sv,
      "\xff\xd8\xff\xe0"sv,
      "\x89PNG\r\n\x1a\n"sv,
      "GIF87a"sv,
      "GIF89a"sv,
      "RIFF\x10\x20\x30\x40WEBPVP8 "sv,
      "RIFF\x10\x20\x30\x40"
      "AVI LIST"sv,
      "\0\0\0\x18"
      "ftypmp42"sv,
      "\0\0\0\x14"
      "ftypqt  "sv,
      "\x1a\x45\xdf\xa3"sv,
      "OggS\0\2"sv,
      "fLaC\0\0\0\x22"sv,
      "ID3\4\0\0\0\0\x01\x7f"sv,
  };
  for (const std::string_view magic : magics) {
    CAPTURE(std::string(magic));
    CHECK(classify_text(magic) == ContentClass::compressed);
    CHECK(HeadBuilder().put(0, magic).classify(kImageBytes) == ContentClass::compressed);
    CHECK(HeadBuilder().put(1, magic).classify() == ContentClass::general);
    CHECK(classify_text(magic.substr(0, 2)) == ContentClass::general);
  }
}

TEST_CASE("near misses of compressed formats are general", "[chunker][classify]") {
  for (const auto text :
       {"\x1f\x8b\x07\0"sv, "\x1f\x8b\x08\xff"sv, "BZh01AY&SY"sv, "BZhello world"sv, "PK\1\2"sv,
        "RIFF\x10\x20\x30\x40WAVEfmt "sv, "\0\0\0\4ftypmp42"sv, "\0\1\0\0ftypmp42"sv,
        "ID3 is a format for tags"sv, "ID3\4\0\0\x80\0\0\0"sv, "!<arch>\nmain.o/"sv, "%PDF-1.7\n"sv,
        "PACK my box"sv, "GIF88a"sv,
        "\x7f"
        "ELF\2\1\1"sv,
        "<svg xmlns="sv, "#!/bin/sh\n"sv, ""sv, "x"sv}) {
    CAPTURE(std::string(text));
    CHECK(classify_text(text) == ContentClass::general);
    CHECK(HeadBuilder().put(0, text).classify(kImageBytes) == ContentClass::general);
  }
}

TEST_CASE("MP3 without a tag needs two frames that agree", "[chunker][classify]") {
  CHECK(mp3_head().classify() == ContentClass::compressed);
  // Padded first frame: one byte longer.
  CHECK(HeadBuilder().put(0, "\xff\xfb\x92\x64"sv).put(418, "\xff\xfb\x90\x64"sv).classify() ==
        ContentClass::compressed);
  // MPEG 2, 64 kbit/s, 22050 Hz: 208 bytes.
  CHECK(HeadBuilder().put(0, "\xff\xf3\x80\x64"sv).put(208, "\xff\xf3\x80\x64"sv).classify() ==
        ContentClass::compressed);
  // MPEG 2.5, 32 kbit/s, 11025 Hz: 208 bytes.
  CHECK(HeadBuilder().put(0, "\xff\xe3\x40\x64"sv).put(208, "\xff\xe3\x40\x64"sv).classify() ==
        ContentClass::compressed);

  CHECK(HeadBuilder().put(0, "\xff\xfb\x90\x64"sv).classify() == ContentClass::general);
  CHECK(mp3_head().put(418, "\xf3"sv).classify() == ContentClass::general);  // other version
  CHECK(mp3_head().put(419, "\x94"sv).classify() == ContentClass::general);  // other rate
  CHECK(mp3_head().put(2, "\xf0"sv).classify() == ContentClass::general);    // reserved bit rate
  CHECK(mp3_head().put(2, "\x9c"sv).classify() == ContentClass::general);    // reserved rate
  // UTF-16 with a byte order mark.
  CHECK(classify_text("\xff\xfeh\0e\0l\0l\0o\0"sv) == ContentClass::general);
}

TEST_CASE("random data and zeros are general", "[chunker][classify]") {
  CHECK(HeadBuilder().classify() == ContentClass::general);
  CHECK(HeadBuilder().classify(kImageBytes) == ContentClass::general);
  CHECK(classify({}, 0) == ContentClass::general);
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    CHECK(classify(test::seeded_bytes(seed, kClassifyBytes), kImageBytes) == ContentClass::general);
  }
}

TEST_CASE("a head of any length is read within its bounds", "[chunker][classify]") {
  for (const HeadBuilder& builder :
       {sqlite_head(4096), postgresql_head(), lmdb_head(), innodb_head(), partition_table_head(),
        ext4_head(), xfs_head(), mp3_head()}) {
    ContentClass before = ContentClass::general;
    for (std::size_t size = 0; size <= kClassifyBytes; ++size) {
      // A copy of exactly this length, so that the address sanitizer sees a read beyond its end.
      const core::Bytes head = core::to_bytes(builder.view().first(size));
      const ContentClass now = classify(head, kImageBytes);
      if (now != before) {
        CHECK(before == ContentClass::general);
        before = now;
      }
    }
    CHECK(before != ContentClass::general);
  }
}

}  // namespace cairn::chunker
