#include <fmt/format.h>

#include <algorithm>

#include "cairn/repo/path_filter.h"
#include "format/content.h"
#include "format/fields.h"
#include "format/mark.h"
#include "format/node_entry.h"
#include "format/register.h"

namespace cairn::repo::format {
namespace {

constexpr std::uint8_t kManifestVersion = 1;
constexpr std::uint8_t kManifestVersionWithTail = 2;
constexpr std::int32_t kUtcOffsetMinutesMax = 24 * 60;
static_assert(kManifestBytesMax + kPaddingBytes + kPublicEnvelopeHeaderBytes +
                  core::kAeadTagBytes <=
              kSealedManifestBytesMax);
/// Path "/", root, five counts, an empty content.
constexpr std::size_t kSourceBytesMin = 2 + 32 + 5 + 3;
constexpr std::size_t kProblemBytesMin = 3;
/// Path of two bytes, mode, owner, time, no attributes.
constexpr std::size_t kFolderAboveBytesMin = 3 + 2 + kOwnerBytesMin + 2 + 1;
/// Flags, size, two empty lists.
constexpr std::size_t kLeftOutBytesMin = 4;
constexpr std::uint16_t kFolderModeMask = 07777;

constexpr std::uint8_t kExcludesCaches = 1;
constexpr std::uint8_t kExcludesNodump = 2;
constexpr std::uint8_t kOneFileSystem = 4;
constexpr std::uint8_t kIsCutShort = 8;
constexpr std::uint8_t kKnownLeftOutFlags =
    kExcludesCaches | kExcludesNodump | kOneFileSystem | kIsCutShort;

bool is_known(SnapshotType type) noexcept {
  switch (type) {
    case SnapshotType::manual:
    case SnapshotType::hourly:
    case SnapshotType::daily:
    case SnapshotType::weekly:
    case SnapshotType::monthly:
    case SnapshotType::restore_point:
      return true;
  }
  return false;
}

bool is_known(ProblemKind kind) noexcept {
  switch (kind) {
    case ProblemKind::unreadable:
    case ProblemKind::changed_while_read:
    case ProblemKind::incomplete_metadata:
    case ProblemKind::vanished:
    case ProblemKind::changed_unnoticed:
    case ProblemKind::lost:
      return true;
  }
  return false;
}

/// "/", or valid names, each after one slash.
bool is_normal_path(std::string_view path) noexcept {
  if (path.size() > kPathBytesMax || path.empty() || path.front() != '/') {
    return false;
  }
  if (path == "/") {
    return true;
  }
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    if (!is_valid_name(path.substr(0, end))) {
      return false;
    }
    path.remove_prefix(end);
  }
  return true;
}

std::string_view sources_defect(const std::vector<Source>& sources) noexcept {
  if (sources.empty() || sources.size() > kSourcesMax) {
    return "the number of sources is out of bounds";
  }
  const Source* previous = nullptr;
  for (const Source& source : sources) {
    if (!is_normal_path(source.path)) {
      return "the path of a source is not absolute and normalised";
    }
    if (previous != nullptr && previous->path >= source.path) {
      return "its sources are not in order";
    }
    if (const std::string_view defect = content_defect(source.birth_times); !defect.empty()) {
      return defect;
    }
    previous = &source;
  }
  return {};
}

std::string_view problems_defect(const Snapshot& snapshot) noexcept {
  if (snapshot.problems.size() != std::min<std::uint64_t>(snapshot.problem_count, kProblemsMax)) {
    return "the number of problems is not that of the list";
  }
  for (const Problem& problem : snapshot.problems) {
    if (!is_known(problem.kind)) {
      return "unknown kind of problem";
    }
    if (problem.path.size() > kPathBytesMax || problem.reason.size() > kTextBytesMax) {
      return "the text of a problem is too long";
    }
  }
  return {};
}

std::string_view folders_above_defect(const std::vector<FolderAbove>& folders) noexcept {
  if (folders.size() > kFoldersAboveMax) {
    return "it has too many folders above its sources";
  }
  const FolderAbove* previous = nullptr;
  for (const FolderAbove& folder : folders) {
    if (!is_normal_path(folder.path) || folder.path == "/") {
      return "the path of a folder above a source is not absolute and normalised";
    }
    if (previous != nullptr && previous->path >= folder.path) {
      return "its folders above sources are not in order";
    }
    if ((folder.mode & ~kFolderModeMask) != 0) {
      return "the mode of a folder above a source has bits beyond 07777";
    }
    if (folder.owner.user.size() > kOwnerNameBytesMax ||
        folder.owner.group.size() > kOwnerNameBytesMax || !is_valid(folder.mtime)) {
      return "the owner or time of a folder above a source is out of bounds";
    }
    if (const std::string_view defect = xattrs_defect(folder.xattrs); !defect.empty()) {
      return defect;
    }
    previous = &folder;
  }
  return {};
}

std::string_view left_out_defect(const std::vector<LeftOut>& left_out) noexcept {
  if (left_out.size() > kLeftOutMax) {
    return "too many choices of what is left out";
  }
  const auto is_out_of_bounds = [](const std::vector<std::string>& texts, std::size_t bytes_max) {
    return texts.size() > kLeftOutPatternsMax ||
           std::ranges::any_of(texts, [bytes_max](const std::string& text) {
             return text.empty() || text.size() > bytes_max;
           });
  };
  for (const LeftOut& one : left_out) {
    if (is_out_of_bounds(one.patterns, kPatternBytesMax) ||
        is_out_of_bounds(one.exclude_if_present, kNameBytesMax)) {
      return "a pattern or name of what is left out is out of bounds";
    }
    if (!one.is_whole && !(one.patterns.empty() && one.exclude_if_present.empty())) {
      return "a choice that is not recorded has patterns";
    }
    if (one == LeftOut()) {
      return "a choice leaves nothing out";
    }
    if (one.exclude_larger_than_bytes && *one.exclude_larger_than_bytes > kFileSizeMax) {
      return "a size of what is left out is out of bounds";
    }
  }
  return {};
}

std::string_view defect_of(const Snapshot& snapshot) noexcept {
  if (!is_valid(snapshot.start) || !is_valid(snapshot.end)) {
    return "its time has too many nanoseconds";
  }
  if (snapshot.utc_offset_minutes < -kUtcOffsetMinutesMax ||
      snapshot.utc_offset_minutes > kUtcOffsetMinutesMax) {
    return "its time zone is out of bounds";
  }
  for (const std::string* text :
       {&snapshot.host, &snapshot.user, &snapshot.program_version, &snapshot.set}) {
    if (text->size() > kTextBytesMax) {
      return "a text is too long";
    }
  }
  if (snapshot.description.size() > kDescriptionBytesMax) {
    return "its description is too long";
  }
  if (!is_known(snapshot.type)) {
    return "unknown type of snapshot";
  }
  if (const std::string_view defect = tags_defect(snapshot.tags); !defect.empty()) {
    return defect;
  }
  if (const std::string_view defect = sources_defect(snapshot.sources); !defect.empty()) {
    return defect;
  }
  if (const std::string_view defect = folders_above_defect(snapshot.folders_above);
      !defect.empty()) {
    return defect;
  }
  if (const std::string_view defect = left_out_defect(snapshot.left_out); !defect.empty()) {
    return defect;
  }
  return problems_defect(snapshot);
}

// --- Parts
// ----------------------------------------------------------------------------------------

void encode_source(core::Encoder& out, const Source& source) {
  out.bytes(source.path);
  encode_id(out, source.root);
  out.varint(source.counts.files);
  out.varint(source.counts.folders);
  out.varint(source.counts.symlinks);
  out.varint(source.counts.others);
  out.varint(source.counts.bytes);
  encode_content(out, source.birth_times);
}

Source decode_source(core::Decoder& in) {
  Source source;
  source.path = in.text(kPathBytesMax);
  source.root = decode_id<ChunkId>(in);
  source.counts.files = in.varint();
  source.counts.folders = in.varint();
  source.counts.symlinks = in.varint();
  source.counts.others = in.varint();
  source.counts.bytes = in.varint();
  source.birth_times = decode_content(in);
  return source;
}

void encode_added(core::Encoder& out, const AddedBytes& added) {
  out.varint(added.chunks);
  out.varint(added.plain_bytes);
  out.varint(added.stored_bytes);
}

AddedBytes decode_added(core::Decoder& in) {
  AddedBytes added;
  added.chunks = in.varint();
  added.plain_bytes = in.varint();
  added.stored_bytes = in.varint();
  return added;
}

void encode_problem(core::Encoder& out, const Problem& problem) {
  out.u8(static_cast<std::uint8_t>(problem.kind));
  out.bytes(problem.path);
  out.bytes(problem.reason);
}

Problem decode_problem(core::Decoder& in) {
  Problem problem;
  problem.kind = static_cast<ProblemKind>(in.u8());
  problem.path = in.text(kPathBytesMax);
  problem.reason = in.text(kTextBytesMax);
  return problem;
}

void encode_folder_above(core::Encoder& out, const FolderAbove& folder) {
  out.bytes(folder.path);
  out.u16(folder.mode);
  encode_owner(out, folder.owner);
  encode_timestamp(out, folder.mtime);
  encode_xattrs(out, folder.xattrs);
}

FolderAbove decode_folder_above(core::Decoder& in) {
  FolderAbove folder;
  folder.path = in.text(kPathBytesMax);
  folder.mode = in.u16();
  folder.owner = decode_owner(in);
  folder.mtime = decode_timestamp(in);
  folder.xattrs = decode_xattrs(in, 0);
  return folder;
}

void encode_texts(core::Encoder& out, const std::vector<std::string>& texts) {
  out.varint(texts.size());
  for (const std::string& text : texts) {
    out.bytes(text);
  }
}

std::vector<std::string> decode_texts(core::Decoder& in, std::size_t bytes_max) {
  std::vector<std::string> texts;
  const std::size_t count = in.count(kLeftOutPatternsMax, 2);
  texts.reserve(count);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    texts.push_back(in.text(bytes_max));
  }
  return texts;
}

void encode_left_out(core::Encoder& out, const LeftOut& one) {
  unsigned flags = one.exclude_caches ? kExcludesCaches : 0U;
  flags |= one.exclude_nodump ? kExcludesNodump : 0U;
  flags |= one.one_file_system ? kOneFileSystem : 0U;
  flags |= one.is_whole ? 0U : kIsCutShort;
  out.u8(static_cast<std::uint8_t>(flags));
  out.varint(one.exclude_larger_than_bytes ? *one.exclude_larger_than_bytes + 1 : 0);
  encode_texts(out, one.exclude_if_present);
  encode_texts(out, one.patterns);
}

LeftOut decode_left_out(core::Decoder& in) {
  LeftOut one;
  const std::uint8_t flags = in.u8();
  if ((flags & ~kKnownLeftOutFlags) != 0) {
    in.fail_corrupt("reserved flags of what is left out are not zero");
  }
  one.exclude_caches = (flags & kExcludesCaches) != 0;
  one.exclude_nodump = (flags & kExcludesNodump) != 0;
  one.one_file_system = (flags & kOneFileSystem) != 0;
  one.is_whole = (flags & kIsCutShort) == 0;
  if (const std::uint64_t size = in.varint(); size > 0) {
    one.exclude_larger_than_bytes = size - 1;
  }
  one.exclude_if_present = decode_texts(in, kNameBytesMax);
  one.patterns = decode_texts(in, kPatternBytesMax);
  return one;
}

bool has_tail(const Snapshot& snapshot) noexcept {
  return !snapshot.folders_above.empty() || !snapshot.left_out.empty();
}

/// The end of a manifest; left out if there is nothing in it.
void encode_tail(core::Encoder& out, const Snapshot& snapshot) {
  if (!has_tail(snapshot)) {
    return;
  }
  out.varint(snapshot.folders_above.size());
  for (const FolderAbove& folder : snapshot.folders_above) {
    encode_folder_above(out, folder);
  }
  out.varint(snapshot.left_out.size());
  for (const LeftOut& one : snapshot.left_out) {
    encode_left_out(out, one);
  }
}

void decode_tail(core::Decoder& in, Snapshot& snapshot) {
  const std::size_t folders = in.count(kFoldersAboveMax, kFolderAboveBytesMin);
  snapshot.folders_above.reserve(folders);
  for (std::size_t i = 0; i < folders && in.ok(); ++i) {
    snapshot.folders_above.push_back(decode_folder_above(in));
  }
  const std::size_t choices = in.count(kLeftOutMax, kLeftOutBytesMin);
  for (std::size_t i = 0; i < choices && in.ok(); ++i) {
    snapshot.left_out.push_back(decode_left_out(in));
  }
  if (in.ok() && folders == 0 && choices == 0) {
    in.fail_corrupt("a tail that says nothing");
  }
}

std::int32_t decode_utc_offset(core::Decoder& in) {
  const std::int64_t minutes = in.svarint();
  if (minutes < -kUtcOffsetMinutesMax || minutes > kUtcOffsetMinutesMax) {
    in.fail_corrupt("its time zone is out of bounds");
    return 0;
  }
  return static_cast<std::int32_t>(minutes);
}

void decode_lists(core::Decoder& in, Snapshot& snapshot) {
  snapshot.tags = decode_tags(in);
  snapshot.description = in.text(kDescriptionBytesMax);
  const std::size_t sources = in.count(kSourcesMax, kSourceBytesMin);
  snapshot.sources.reserve(sources);
  for (std::size_t i = 0; i < sources && in.ok(); ++i) {
    snapshot.sources.push_back(decode_source(in));
  }
}

void decode_problems(core::Decoder& in, Snapshot& snapshot) {
  snapshot.problem_count = in.varint();
  const std::size_t problems = in.count(kProblemsMax, kProblemBytesMin);
  snapshot.problems.reserve(problems);
  for (std::size_t i = 0; i < problems && in.ok(); ++i) {
    snapshot.problems.push_back(decode_problem(in));
  }
}

}  // namespace

core::Result<core::Bytes> encode_snapshot(const Snapshot& snapshot) {
  CAIRN_TRY_STATUS(check_encodable("a snapshot", defect_of(snapshot)));
  core::Encoder out;
  out.u8(has_tail(snapshot) ? kManifestVersionWithTail : kManifestVersion);
  encode_timestamp(out, snapshot.start);
  encode_timestamp(out, snapshot.end);
  out.svarint(snapshot.utc_offset_minutes);
  out.bytes(snapshot.host);
  out.bytes(snapshot.user);
  out.bytes(snapshot.program_version);
  out.bytes(snapshot.set);
  out.u8(static_cast<std::uint8_t>(snapshot.type));
  encode_tags(out, snapshot.tags);
  out.bytes(snapshot.description);
  out.varint(snapshot.sources.size());
  for (const Source& source : snapshot.sources) {
    encode_source(out, source);
  }
  encode_added(out, snapshot.added_data);
  encode_added(out, snapshot.added_metadata);
  out.u8(snapshot.partial ? 1 : 0);
  out.varint(snapshot.problem_count);
  out.varint(snapshot.problems.size());
  for (const Problem& problem : snapshot.problems) {
    encode_problem(out, problem);
  }
  encode_tail(out, snapshot);
  return std::move(out).take();
}

core::Result<Snapshot> decode_snapshot(core::ByteView input) {
  core::Decoder in(input, "snapshot manifest");
  if (input.size() > kManifestBytesMax) {
    in.fail_limit("it is too long");
  }
  const std::uint8_t version = in.u8();
  if (in.ok() && version != kManifestVersion && version != kManifestVersionWithTail) {
    in.fail_unsupported(fmt::format("its version {} is not known to this program", version));
  }
  Snapshot snapshot;
  snapshot.start = decode_timestamp(in);
  snapshot.end = decode_timestamp(in);
  snapshot.utc_offset_minutes = decode_utc_offset(in);
  snapshot.host = in.text(kTextBytesMax);
  snapshot.user = in.text(kTextBytesMax);
  snapshot.program_version = in.text(kTextBytesMax);
  snapshot.set = in.text(kTextBytesMax);
  snapshot.type = static_cast<SnapshotType>(in.u8());
  decode_lists(in, snapshot);
  snapshot.added_data = decode_added(in);
  snapshot.added_metadata = decode_added(in);
  snapshot.partial = decode_flag(in);
  decode_problems(in, snapshot);
  if (version == kManifestVersionWithTail) {
    decode_tail(in, snapshot);
  }
  if (in.ok()) {
    if (const std::string_view defect = defect_of(snapshot); !defect.empty()) {
      in.fail_corrupt(defect);
    }
  }
  CAIRN_TRY_STATUS(in.finish());
  return snapshot;
}

}  // namespace cairn::repo::format
