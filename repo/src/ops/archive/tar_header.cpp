#include "ops/archive/tar_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <gsl/assert>
#include <string_view>

#include "ops/archive/tar_acl.h"

namespace cairn::repo::ops {

namespace {

struct Field {
  std::size_t offset;
  std::size_t length;
};
constexpr Field kName{0, 100};
constexpr Field kMode{100, 8};
constexpr Field kUid{108, 8};
constexpr Field kGid{116, 8};
constexpr Field kSize{124, 12};
constexpr Field kMtime{136, 12};
constexpr Field kChecksum{148, 8};
constexpr Field kType{156, 1};
constexpr Field kLinkName{157, 100};
constexpr Field kMagic{257, 8};
constexpr Field kUser{265, 32};
constexpr Field kGroup{297, 32};
constexpr Field kMajor{329, 8};
constexpr Field kMinor{337, 8};

constexpr std::uint64_t octal_limit(Field field) noexcept {
  return std::uint64_t{1} << (3 * (field.length - 1));
}

char type_flag(const TarMember& member) noexcept {
  if (member.hard_link_to) {
    return '1';
  }
  switch (member.entry.type) {
    case EntryType::file:
      return '0';
    case EntryType::symlink:
      return '2';
    case EntryType::char_device:
      return '3';
    case EntryType::block_device:
      return '4';
    case EntryType::folder:
      return '5';
    case EntryType::fifo:
      return '6';
    case EntryType::socket:
      break;
  }
  return '0';
}

class Header {
 public:
  explicit Header(char type) {
    block_.fill(std::byte{0});
    put(kMagic, std::string_view("ustar\00000", 8));
    put(kType, std::string_view(&type, 1));
  }

  /// As much of the text as fits.
  void put(Field field, std::string_view text) {
    text = text.substr(0, field.length);
    const core::ByteView bytes = core::as_view(text);
    std::copy(bytes.begin(), bytes.end(),
              block_.begin() + static_cast<std::ptrdiff_t>(field.offset));
  }
  /// Precondition: below octal_limit().
  void put_octal(Field field, std::uint64_t value) {
    Expects(value < octal_limit(field));
    put(field, fmt::format("{:0{}o}", value, field.length - 1));
  }
  /// A value with a record of its own is written here as zero.
  void put_octal_if_it_fits(Field field, std::uint64_t value) {
    put_octal(field, value < octal_limit(field) ? value : 0);
  }
  [[nodiscard]] core::ByteView finish() {
    put(kChecksum, "        ");
    std::uint64_t sum = 0;
    for (const std::byte byte : block_) {
      sum += std::to_integer<std::uint64_t>(byte);
    }
    put(kChecksum, fmt::format("{:06o}", sum));
    block_[kChecksum.offset + 6] = std::byte{0};
    return block_;
  }

 private:
  std::array<std::byte, kTarBlockBytes> block_;
};

/// "LENGTH keyword=value\n", where LENGTH counts itself.
void add_record(std::string& records, std::string_view keyword, std::string_view value) {
  const std::size_t rest = keyword.size() + value.size() + 3;
  std::size_t length = rest + 1;
  while (length != rest + fmt::formatted_size("{}", length)) {
    length = rest + fmt::formatted_size("{}", length);
  }
  records += fmt::format("{} {}=", length, keyword);
  records += value;
  records += '\n';
}

/// "-1.5" for half a second before the last second of 1969.
std::string decimal(const core::Timestamp& time) {
  if (time.nanoseconds == 0) {
    return fmt::format("{}", time.seconds);
  }
  if (time.seconds >= 0) {
    return fmt::format("{}.{:09}", time.seconds, time.nanoseconds);
  }
  return fmt::format("-{}.{:09}", -(time.seconds + 1),
                     core::kNanosecondsPerSecond - time.nanoseconds);
}

/// A '=' would end the keyword: written the way GNU tar reads it.
std::string xattr_keyword(std::string_view name) {
  std::string keyword = "SCHILY.xattr.";
  for (const char c : name) {
    if (c == '=' || c == '%') {
      keyword += c == '=' ? "%3D" : "%25";
    } else {
      keyword += c;
    }
  }
  return keyword;
}

std::uint64_t size_of(const TarMember& member) noexcept {
  return member.hard_link_to ? 0 : member.sparse_bytes.value_or(member.entry.content.size_bytes);
}

/// A program that does not know sparse files extracts map and data into a file of this name.
std::string path_of(const TarMember& member) {
  if (!member.sparse_bytes) {
    return member.path;
  }
  const std::size_t name = member.path.rfind('/') + 1;  // npos + 1 is 0
  return member.path.substr(0, name) + "GNUSparseFile.0/" + member.path.substr(name);
}

std::string_view link_of(const TarMember& member) noexcept {
  return member.hard_link_to ? std::string_view(*member.hard_link_to)
                             : std::string_view(member.entry.link_target);
}

bool fits_time_field(const core::Timestamp& time) noexcept {
  return time.seconds >= 0 && static_cast<std::uint64_t>(time.seconds) < octal_limit(kMtime);
}

void add_attributes(std::string& records, const Entry& entry) {
  for (const Xattr& xattr : entry.xattrs) {
    const bool is_access = xattr.name == kAclAccessXattr;
    if (is_access || xattr.name == kAclDefaultXattr) {
      if (const auto text = acl_text(xattr.value)) {
        add_record(records, is_access ? "SCHILY.acl.access" : "SCHILY.acl.default", *text);
        continue;
      }
    }
    add_record(records, xattr_keyword(xattr.name), xattr.value);
  }
}

std::string records_of(const TarMember& member) {
  const Entry& entry = member.entry;
  std::string records;
  const auto add_number = [&records](std::string_view keyword, std::uint64_t value, Field field) {
    if (value >= octal_limit(field)) {
      add_record(records, keyword, fmt::format("{}", value));
    }
  };
  const auto add_text = [&records](std::string_view keyword, std::string_view text, Field field) {
    if (text.size() > field.length) {
      add_record(records, keyword, text);
    }
  };
  if (member.sparse_bytes) {
    add_record(records, "GNU.sparse.major", "1");
    add_record(records, "GNU.sparse.minor", "0");
    add_record(records, "GNU.sparse.name", member.path);
    add_record(records, "GNU.sparse.realsize", fmt::format("{}", entry.content.size_bytes));
  }
  add_text("path", path_of(member), kName);
  add_text("linkpath", link_of(member), kLinkName);
  add_number("size", size_of(member), kSize);
  add_number("uid", entry.owner.uid, kUid);
  add_number("gid", entry.owner.gid, kGid);
  // These two fields end with a zero byte.
  add_text("uname", entry.owner.user, {kUser.offset, kUser.length - 1});
  add_text("gname", entry.owner.group, {kGroup.offset, kGroup.length - 1});
  if (entry.mtime.nanoseconds != 0 || !fits_time_field(entry.mtime)) {
    add_record(records, "mtime", decimal(entry.mtime));
  }
  if (!member.hard_link_to) {
    add_attributes(records, entry);
  }
  return records;
}

void append_padded(core::Bytes& out, std::string_view text) {
  core::append(out, core::as_view(text));
  out.resize(out.size() + tar_padding(text.size()));
}

}  // namespace

bool fits_into_tar(const Entry& entry) noexcept {
  const bool has_room =
      entry.device.major < octal_limit(kMajor) && entry.device.minor < octal_limit(kMinor);
  return entry.type != EntryType::socket && has_room;
}

core::Bytes tar_header(const TarMember& member) {
  Expects(fits_into_tar(member.entry));
  const Entry& entry = member.entry;
  core::Bytes blocks;
  if (const std::string records = records_of(member); !records.empty()) {
    Header pax('x');
    pax.put(kName, "PaxHeaders/" + entry.name);
    pax.put_octal(kMode, 0644);
    pax.put_octal(kUid, 0);
    pax.put_octal(kGid, 0);
    pax.put_octal(kSize, records.size());
    pax.put_octal(kMtime, 0);
    core::append(blocks, pax.finish());
    append_padded(blocks, records);
  }
  Header header(type_flag(member));
  header.put(kName, path_of(member));
  header.put(kLinkName, link_of(member));
  header.put_octal(kMode, entry.mode);
  header.put_octal_if_it_fits(kUid, entry.owner.uid);
  header.put_octal_if_it_fits(kGid, entry.owner.gid);
  header.put_octal_if_it_fits(kSize, size_of(member));
  header.put_octal(
      kMtime, fits_time_field(entry.mtime) ? static_cast<std::uint64_t>(entry.mtime.seconds) : 0);
  header.put({kUser.offset, kUser.length - 1}, entry.owner.user);
  header.put({kGroup.offset, kGroup.length - 1}, entry.owner.group);
  header.put_octal(kMajor, entry.device.major);
  header.put_octal(kMinor, entry.device.minor);
  core::append(blocks, header.finish());
  return blocks;
}

std::size_t tar_padding(std::uint64_t size_bytes) noexcept {
  return static_cast<std::size_t>((kTarBlockBytes - size_bytes % kTarBlockBytes) % kTarBlockBytes);
}

}  // namespace cairn::repo::ops
