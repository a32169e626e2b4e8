#include <algorithm>
#include <array>
#include <bit>
#include <string_view>

#include "cairn/chunker/policy.h"

namespace cairn::chunker {
namespace {

using namespace std::string_view_literals;

/// The start of a file. Numbers beyond its end read as zero; magics beyond its end do not match.
class Head {
 public:
  explicit Head(core::ByteView bytes) noexcept : bytes_(bytes) {}

  [[nodiscard]] bool has(std::size_t offset, std::string_view magic) const noexcept {
    return offset + magic.size() <= bytes_.size() &&
           core::equal(bytes_.subspan(offset, magic.size()), core::as_view(magic));
  }
  [[nodiscard]] std::uint32_t u8(std::size_t offset) const noexcept {
    return offset < bytes_.size() ? std::to_integer<std::uint32_t>(bytes_[offset]) : 0;
  }
  [[nodiscard]] std::uint32_t u16_le(std::size_t offset) const noexcept {
    return u8(offset) | u8(offset + 1) << 8;
  }
  [[nodiscard]] std::uint32_t u32_le(std::size_t offset) const noexcept {
    return u16_le(offset) | u16_le(offset + 2) << 16;
  }
  [[nodiscard]] std::uint32_t u16_be(std::size_t offset) const noexcept {
    return u8(offset) << 8 | u8(offset + 1);
  }
  [[nodiscard]] std::uint32_t u32_be(std::size_t offset) const noexcept {
    return u16_be(offset) << 16 | u16_be(offset + 2);
  }

 private:
  core::ByteView bytes_;
};

struct Magic {
  std::size_t offset;
  std::string_view bytes;
};

template <std::size_t N>
bool has_any(const Head& head, const std::array<Magic, N>& magics) noexcept {
  return std::any_of(magics.begin(), magics.end(),
                     [&head](const Magic& magic) { return head.has(magic.offset, magic.bytes); });
}

constexpr bool power_of_two_between(std::uint32_t value, std::uint32_t low,
                                    std::uint32_t high) noexcept {
  return std::has_single_bit(value) && low <= value && value <= high;
}

// --- Page files -----------------------------------------------------------------------------

// Page size (1 means 65536) at 16, and three payload fractions that are fixed by the format.
bool is_sqlite(const Head& head) noexcept {
  const std::uint32_t page = head.u16_be(16);
  return head.has(0, "SQLite format 3\0"sv) &&
         (page == 1 || power_of_two_between(page, 512, 32768)) && head.has(21, "\x40\x20\x20"sv);
}

// PageHeaderData of the first page. It has no magic, so everything in it must be plausible: flag
// bits from the fourth on are unused, and header, line pointers, free space and special space
// follow one another.
bool is_postgresql(const Head& head, std::uint64_t size_bytes) noexcept {
  constexpr std::uint32_t kPage = 8192;
  constexpr std::uint32_t kHeader = 24;
  constexpr std::uint32_t kLayoutVersion = 4;
  const std::uint32_t flags = head.u16_le(10);
  const std::uint32_t lower = head.u16_le(12);
  const std::uint32_t upper = head.u16_le(14);
  const std::uint32_t special = head.u16_le(16);
  return size_bytes != 0 && size_bytes % kPage == 0 &&
         head.u16_le(18) == (kPage | kLayoutVersion) && flags <= 7 && kHeader <= lower &&
         lower <= upper && upper <= special && special <= kPage && special % 8 == 0;
}

// Page 0 is a meta page: flag P_META, magic, data version.
bool is_lmdb(const Head& head) noexcept {
  return head.u16_le(10) == 0x08 && head.u32_le(16) == 0xBEEFC0DE && head.u32_le(20) == 1;
}

// The first page of a tablespace: number 0, type FSP_HDR, a log position, the space's id in both of
// its places, and a number of pages that the file has.
bool is_innodb(const Head& head, std::uint64_t size_bytes) noexcept {
  return size_bytes != 0 && size_bytes % 4096 == 0 && head.u32_be(4) == 0 && head.u16_be(24) == 8 &&
         (head.u32_be(16) | head.u32_be(20)) != 0 && head.u32_be(34) == head.u32_be(38) &&
         head.u32_be(46) != 0 && head.u32_be(46) <= size_bytes / 4096;
}

bool is_page_file(const Head& head, std::uint64_t size_bytes) noexcept {
  return is_sqlite(head) || is_lmdb(head) || is_postgresql(head, size_bytes) ||
         is_innodb(head, size_bytes);
}

// --- Disk images ----------------------------------------------------------------------------

constexpr std::array kImageMagics = {
    Magic{0, "COWD"sv},               // VMDK, ESX sparse extent
    Magic{64, "\x7f\x10\xda\xbe"sv},  // VDI
    Magic{0, "vhdxfile"sv},           // VHDX
    Magic{0, "conectix"sv},           // VHD, dynamic
    Magic{0, "LUKS\xba\xbe"sv},       // encrypted volume
};

/// Raw images carry weak signatures, so files too small to hold a partition do not count.
constexpr std::uint64_t kRawImageBytesMin = 1024 * 1024;
constexpr std::uint32_t kSector = 512;

// Four partition entries: each says active or not, each is either empty or has a type and sectors,
// and one is not empty. A boot sector of a file system alone does not look like this.
bool has_partition_table(const Head& head) noexcept {
  constexpr std::size_t kEntries = 446;
  constexpr std::size_t kEntryBytes = 16;
  bool found = false;
  for (std::size_t entry = kEntries; entry < kEntries + 4 * kEntryBytes; entry += kEntryBytes) {
    const std::uint32_t status = head.u8(entry);
    const bool has_type = head.u8(entry + 4) != 0;
    const bool has_sectors = head.u32_le(entry + 12) != 0;
    if ((status != 0 && status != 0x80) || has_type != has_sectors) {
      return false;
    }
    found = found || has_type;
  }
  return found && head.has(510, "\x55\xaa"sv);
}

// Superblock at 1024: magic, block size 1 KiB << 0..6, block count, revision 0 or 1.
bool is_ext(const Head& head) noexcept {
  return head.u16_le(1080) == 0xEF53 && head.u32_le(1048) <= 6 && head.u32_le(1028) != 0 &&
         head.u32_le(1100) <= 1;
}

bool is_xfs(const Head& head) noexcept {
  return head.has(0, "XFSB"sv) && power_of_two_between(head.u32_be(4), 512, 65536);
}

// --- Images whose pieces may be compressed: then they lie end to end, on no grid ---

bool is_qcow2(const Head& head) noexcept {
  return head.has(0, "QFI\xfb\0\0\0\2"sv) || head.has(0, "QFI\xfb\0\0\0\3"sv);
}

// A table far beyond the head says which clusters are compressed. But plain clusters fill the file
// to the end of a cluster, while compressed ones end anywhere.
bool is_plain_qcow2(const Head& head, std::uint64_t size_bytes) noexcept {
  const std::uint32_t cluster_bits = head.u32_be(20);
  return is_qcow2(head) && 9 <= cluster_bits && cluster_bits <= 21 &&
         size_bytes % (std::uint64_t{1} << cluster_bits) == 0;
}

bool is_vmdk(const Head& head) noexcept { return head.has(0, "KDMV"sv); }

// "streamOptimized", as in OVA: the flag of compressed grains.
bool is_compressed_vmdk(const Head& head) noexcept {
  return is_vmdk(head) && (head.u32_le(8) & 0x10000) != 0;
}

bool is_compressed_image(const Head& head, std::uint64_t size_bytes) noexcept {
  return is_compressed_vmdk(head) || (is_qcow2(head) && !is_plain_qcow2(head, size_bytes));
}

bool is_disk_image(const Head& head, std::uint64_t size_bytes) noexcept {
  if (is_compressed_image(head, size_bytes)) {
    return false;
  }
  if (has_any(head, kImageMagics) || is_qcow2(head) || is_vmdk(head)) {
    return true;
  }
  return size_bytes >= kRawImageBytesMin && size_bytes % kSector == 0 &&
         (has_partition_table(head) || head.has(512, "EFI PART"sv) || is_ext(head) || is_xfs(head));
}

// --- Compressed -----------------------------------------------------------------------------

constexpr std::array kCompressedMagics = {
    Magic{0, "\xfd\x37\x7aXZ\0"sv},        // xz
    Magic{0, "\x28\xb5\x2f\xfd"sv},        // zstd
    Magic{0, "\x04\x22\x4d\x18"sv},        // lz4
    Magic{0, "\x02\x21\x4c\x18"sv},        // lz4, legacy frame
    Magic{0, "LZIP\1"sv},                  // lzip
    Magic{0, "PK\3\4"sv},                  // zip, jar, docx, odt, apk
    Magic{0, "7z\xbc\xaf\x27\x1c"sv},      // 7z
    Magic{0, "Rar!\x1a\x07"sv},            // rar
    Magic{0, "hsqs"sv},                    // squashfs
    Magic{0, "!<arch>\ndebian-binary"sv},  // deb
    Magic{0, "\xed\xab\xee\xdb"sv},        // rpm
    Magic{0, "PACK\0\0\0\2"sv},            // git pack
    Magic{0, "\xff\xd8\xff"sv},            // jpeg
    Magic{0, "\x89PNG\r\n\x1a\n"sv},       // png
    Magic{0, "GIF87a"sv},                  // gif
    Magic{0, "GIF89a"sv},                  // gif
    Magic{0, "\x1a\x45\xdf\xa3"sv},        // matroska, webm
    Magic{0, "OggS\0"sv},                  // ogg
    Magic{0, "fLaC"sv},                    // flac
};

bool is_gzip(const Head& head) noexcept {
  return head.has(0, "\x1f\x8b\x08"sv) && (head.u8(3) & 0xE0) == 0;
}

bool is_bzip2(const Head& head) noexcept {
  return head.has(0, "BZh"sv) && '1' <= head.u8(3) && head.u8(3) <= '9' && head.has(4, "1AY&SY"sv);
}

bool is_riff_media(const Head& head) noexcept {
  return head.has(0, "RIFF"sv) && (head.has(8, "WEBP"sv) || head.has(8, "AVI "sv));
}

// The first box is the file type, a short list of brands.
bool is_iso_media(const Head& head) noexcept {
  return head.has(4, "ftyp"sv) && 8 <= head.u32_be(0) && head.u32_be(0) <= 1024;
}

// A tag with a known version and a size of four 7-bit digits.
bool is_id3(const Head& head) noexcept {
  return head.has(0, "ID3"sv) && 2 <= head.u8(3) && head.u8(3) <= 4 && head.u8(4) != 0xFF &&
         (head.u32_be(6) & 0x80808080) == 0;
}

// Length of the MPEG audio layer III frame at `offset`, 0 if there is none.
std::size_t mp3_frame_bytes(const Head& head, std::size_t offset) noexcept {
  static constexpr std::array<std::uint32_t, 16> kKilobits1 = {
      0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0};
  static constexpr std::array<std::uint32_t, 16> kKilobits2 = {0,  8,  16, 24,  32,  40,  48,  56,
                                                               64, 80, 96, 112, 128, 144, 160, 0};
  static constexpr std::array<std::uint32_t, 4> kHertz1 = {44100, 48000, 32000, 0};
  const std::uint32_t header = head.u32_be(offset);
  const std::uint32_t version = header >> 19 & 3;  // 3 is MPEG 1, 2 is MPEG 2, 0 is MPEG 2.5
  const std::uint32_t layer = header >> 17 & 3;    // 1 is layer III
  const std::uint32_t hertz1 = kHertz1[header >> 10 & 3];
  const std::uint32_t kilobits = (version == 3 ? kKilobits1 : kKilobits2)[header >> 12 & 15];
  if (header >> 21 != 0x7FF || version == 1 || layer != 1 || hertz1 == 0 || kilobits == 0) {
    return 0;
  }
  const std::uint32_t hertz = version == 3 ? hertz1 : version == 2 ? hertz1 / 2 : hertz1 / 4;
  const std::uint32_t samples_per_8 = version == 3 ? 144 : 72;
  return samples_per_8 * 1000 * kilobits / hertz + (header >> 9 & 1);
}

// The sync word has only eleven bits and also occurs in UTF-16 text, so a second frame must follow
// the first, with the same version, layer and sampling rate.
bool is_mp3_stream(const Head& head) noexcept {
  constexpr std::uint32_t kSameInAllFrames = 0xFFFE0C00;
  const std::size_t length = mp3_frame_bytes(head, 0);
  return length != 0 && mp3_frame_bytes(head, length) != 0 &&
         (head.u32_be(0) & kSameInAllFrames) == (head.u32_be(length) & kSameInAllFrames);
}

bool is_compressed(const Head& head) noexcept {
  return has_any(head, kCompressedMagics) || is_gzip(head) || is_bzip2(head) ||
         is_riff_media(head) || is_iso_media(head) || is_id3(head) || is_mp3_stream(head);
}

}  // namespace

ContentClass classify(core::ByteView head_bytes, std::uint64_t size_bytes) noexcept {
  const Head head(head_bytes);
  if (is_page_file(head, size_bytes)) {
    return ContentClass::page_file;
  }
  if (is_disk_image(head, size_bytes)) {
    return ContentClass::disk_image;
  }
  return is_compressed(head) || is_compressed_image(head, size_bytes) ? ContentClass::compressed
                                                                      : ContentClass::general;
}

}  // namespace cairn::chunker
