// Damaged, foreign and outdated catalogues: open() starts empty, nothing crashes.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "catalogue_fixture.h"
#include "catch2.h"
#include "forked_process.h"
#include "outcome.h"

namespace cairn::test {
namespace {

namespace fs = std::filesystem;
using repo::format::IndexSegment;

constexpr std::size_t kPageBytes = 4096;
// Places in the mark (catalogue_folder.cpp).
constexpr std::size_t kMarkVersionAt = 8;
constexpr std::size_t kMarkCleanAt = 12;
constexpr std::size_t kMarkBootAt = 48;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// A closed catalogue with something in it.
class FilledHome {
 public:
  explicit FilledHome(std::size_t chunks = 2000) {
    SeededRandom random(1);
    for (int i = 0; i < 3; ++i) {
      const auto id = random_id<IndexSegmentId>(random);
      const IndexSegment segment = make_segment(random, chunks);
      Ensures(home->ingest(id, segment).has_value());
      model.ingest(id, segment);
    }
    Ensures(home->put_note("note", core::as_view("value")).has_value());
    home.close();
  }

  void overwrite(std::string_view name, std::size_t at, std::string_view bytes) {
    std::string contents = read_file(home.file(name));
    REQUIRE(at + bytes.size() <= contents.size());
    contents.replace(at, bytes.size(), bytes);
    write_file(home.file(name), contents);
  }

  /// Opens, and expects the contents or nothing.
  void check_kept(bool kept) {
    home.open();
    CHECK(home->started_empty() != kept);
    CHECK(difference(*home, kept ? model : CatalogueModel()) == "");
    CHECK(home->note("note")->has_value() == kept);
    // What was thrown away can be made again.
    SeededRandom random(99);
    const auto id = random_id<IndexSegmentId>(random);
    const IndexSegment segment = make_segment(random, 500);
    REQUIRE(home->ingest(id, segment));
    CHECK(home->find(chunk_of(segment))->has_value());
    home.open();
    CHECK_FALSE(home->started_empty());
    CHECK(home->find(chunk_of(segment))->has_value());
  }

  CatalogueHome home;
  CatalogueModel model;
};

TEST_CASE("A catalogue that lost or changed files starts empty", "[catalogue]") {
  FilledHome filled;
  const std::string data = filled.home.file("data.mdb");
  const std::size_t size = fs::file_size(data);
  SeededRandom random(2);
  SECTION("no data file") { fs::remove(data); }
  SECTION("an empty data file") { fs::resize_file(data, 0); }
  SECTION("garbage instead of the data file") {
    write_file(data, core::to_string(random.bytes(50'000)));
  }
  SECTION("a few bytes of a data file") { fs::resize_file(data, 100); }
  SECTION("only the meta pages") { fs::resize_file(data, 2 * kPageBytes); }
  SECTION("one byte short") { fs::resize_file(data, size - 1); }
  SECTION("half of it") { fs::resize_file(data, size / 2); }
  SECTION("the first meta page zeroed") {
    filled.overwrite("data.mdb", 0, std::string(kPageBytes, '\0'));
  }
  SECTION("the second meta page zeroed") {
    filled.overwrite("data.mdb", kPageBytes, std::string(kPageBytes, '\0'));
  }
  SECTION("everything zeroed") { write_file(data, std::string(size, '\0')); }
  SECTION("a link to nowhere in its place") {
    fs::remove(data);
    fs::create_symlink("/nonexistent/data", data);
  }
  SECTION("no mark") { fs::remove(filled.home.file("state")); }
  SECTION("an empty mark") { fs::resize_file(filled.home.file("state"), 0); }
  SECTION("a mark of garbage") {
    write_file(filled.home.file("state"), core::to_string(random.bytes(128)));
  }
  SECTION("a mark with something behind it") {
    write_file(filled.home.file("state"), read_file(filled.home.file("state")) + "x");
  }
  SECTION("another catalogue version") {
    filled.overwrite("state", kMarkVersionAt, std::string("\xff\0\0\0", 4));
  }
  SECTION("nothing but the folder") {
    for (const auto& entry : fs::directory_iterator(filled.home.folder())) {
      fs::remove(entry.path());
    }
  }
  filled.check_kept(false);
}

TEST_CASE("What says nothing about the contents does not cost them", "[catalogue]") {
  FilledHome filled;
  SeededRandom random(3);
  SECTION("nothing at all") {}
  SECTION("garbage in LMDB's lock file") {
    write_file(filled.home.file("lock.mdb"), core::to_string(random.bytes(8192)));
  }
  SECTION("no lock files") {
    fs::remove(filled.home.file("lock.mdb"));
    fs::remove(filled.home.file("files.lock"));
    fs::remove(filled.home.file("write.lock"));
  }
  SECTION("something behind the data") {
    write_file(filled.home.file("data.mdb"), read_file(filled.home.file("data.mdb")) + "tail");
  }
  filled.check_kept(true);
}

TEST_CASE("The mark decides after a crash", "[catalogue]") {
  FilledHome filled;
  const std::string other_boot = "00000000-1111-2222-3333-444444444444";
  CHECK(read_file(filled.home.file("state"))[kMarkCleanAt] == '\1');
  SECTION("clean, another boot: kept") {
    filled.overwrite("state", kMarkBootAt, other_boot);
    filled.check_kept(true);
  }
  SECTION("dirty, the same boot: only the process was killed") {
    filled.overwrite("state", kMarkCleanAt, std::string(1, '\0'));
    filled.check_kept(true);
  }
  SECTION("dirty, another boot: the machine went down") {
    filled.overwrite("state", kMarkCleanAt, std::string(1, '\0'));
    filled.overwrite("state", kMarkBootAt, other_boot);
    filled.check_kept(false);
  }
  SECTION("dirty in a boot that could not be told") {
    filled.overwrite("state", kMarkCleanAt, std::string(1, '\0'));
    filled.overwrite("state", kMarkBootAt, std::string(36, '\0'));
    filled.check_kept(false);
  }
}

TEST_CASE("The mark is dirty from before the first change until a clean close", "[catalogue]") {
  FilledHome filled;
  const auto is_clean = [&] { return read_file(filled.home.file("state"))[kMarkCleanAt] == '\1'; };
  filled.home.open();
  CHECK(is_clean());  // reading changes nothing
  CHECK(filled.home->note("note")->has_value());
  CHECK(is_clean());
  REQUIRE(filled.home->put_note("note", {}));
  CHECK_FALSE(is_clean());
  filled.home.close();
  CHECK(is_clean());
}

TEST_CASE("Another repository's catalogue is not used", "[catalogue]") {
  FilledHome filled;
  CatalogueOptions options = filled.home.options();
  options.repository = named_id<repo::RepositoryId>("another");
  SECTION("by its mark") {}
  SECTION("by its contents, under a mark of ours") {
    const std::string data = read_file(filled.home.file("data.mdb"));
    { REQUIRE(open_lmdb_catalogue(options, small_tuning())); }
    write_file(filled.home.file("data.mdb"), data);
  }
  const auto catalogue = open_lmdb_catalogue(options, small_tuning());
  REQUIRE(catalogue);
  CHECK((*catalogue)->started_empty());
  CHECK((*catalogue)->segments()->empty());
}

TEST_CASE("discard() removes a catalogue, and one that is not there", "[catalogue]") {
  FilledHome filled;
  REQUIRE(Catalogue::discard(filled.home.folder()));
  CHECK_FALSE(fs::exists(filled.home.file("data.mdb")));
  REQUIRE(Catalogue::discard(filled.home.folder()));
  REQUIRE(Catalogue::discard(filled.home.folder() + "/absent"));
  CHECK_FALSE(fs::exists(filled.home.folder() + "/absent"));
  filled.check_kept(false);
}

TEST_CASE("A place that cannot be written says so", "[catalogue]") {
  const TempFolder temp;
  const auto open_in = [&](const std::string& folder) {
    return Catalogue::open(
        {.folder = folder, .repository = named_id<repo::RepositoryId>("repository")});
  };
  SECTION("no parent") {
    const auto opened = open_in(temp / "absent/catalogue");
    CHECK(outcome(opened) == "not_found");
    CHECK(message_of(opened).find("absent/catalogue") != std::string::npos);
  }
  SECTION("a file in the way") {
    write_file(temp / "file", "x");
    const auto opened = open_in(temp / "file");
    CHECK(outcome(opened) == "io");
    REQUIRE_FALSE(opened);
    CHECK(opened.error().hint().find("CAIRN_CACHE_DIR") != std::string::npos);
  }
  SECTION("a folder in the data file's place") {
    fs::create_directories(temp / "catalogue/data.mdb");
    CHECK_FALSE(open_in(temp / "catalogue"));
  }
  SECTION("a folder without permission") {
    fs::create_directory(temp / "catalogue");
    fs::permissions(temp / "catalogue", fs::perms::owner_read | fs::perms::owner_exec);
    if (::access((temp / "catalogue").c_str(), W_OK) == 0) {
      WARN("skipped: this user may write everywhere");
      return;
    }
    const auto opened = open_in(temp / "catalogue");
    CHECK(outcome(opened) == "permission_denied");
    REQUIRE_FALSE(opened);
    CHECK(opened.error().hint().find("CAIRN_CACHE_DIR") != std::string::npos);
  }
}

// --- damaged pages ---

enum class Damage { one_bit, eight_bytes, whole_page, zeros };

/// The exit code of a child that opens the damaged catalogue and asks it everything.
enum Answer { fine, started_empty, corrupt, wrong_place, missing, other_error, answers };

Answer ask_everything(const FilledHome& filled) {
  const auto classify = [](const core::Error& error) {
    return error.code() == core::ErrorCode::corrupt ? corrupt : other_error;
  };
  auto opened = filled.home.try_open();
  if (!opened) {
    return classify(opened.error());
  }
  // Never closed: that would sync, several hundred times.
  Catalogue& catalogue = *opened->release();
  if (catalogue.started_empty()) {
    return started_empty;
  }
  Answer worst = fine;
  const auto note = [&](Answer answer) { worst = std::max(worst, answer); };
  for (const auto& [id, places] : filled.model.locations()) {
    const auto found = catalogue.find(id);
    if (!found) {
      note(classify(found.error()));
    } else if (!*found) {
      note(missing);
    } else if (const ModelLocation& place = *places.begin();
               (*found)->block != place.block || (*found)->offset_bytes != place.offset_bytes) {
      note(wrong_place);
    }
  }
  const auto visit = [&](repo::store::PackNumber number, const PackId&, std::uint64_t,
                         auto) -> core::Status {
    CAIRN_TRY_STATUS(catalogue.pack(number));
    return {};
  };
  SeededRandom random(7);
  const IndexSegment segment = make_segment(random, 3000);
  for (const core::Status& status :
       {catalogue.for_each_pack(visit), catalogue.put_note("another", core::as_view("value")),
        catalogue.ingest(random_id<IndexSegmentId>(random), segment),
        catalogue.retain(std::vector{random_id<IndexSegmentId>(random)})}) {
    if (!status) {
      note(classify(status.error()));
    }
  }
  return worst;
}

std::string damaged_page(std::string page, Damage damage, SeededRandom& random) {
  const auto at = static_cast<std::size_t>(random.below(page.size() - 8));
  switch (damage) {
    case Damage::one_bit:
      page[at] = static_cast<char>(page[at] ^ (1 << random.below(8)));
      break;
    case Damage::eight_bytes:
      page.replace(at, 8, core::to_string(random.bytes(8)));
      break;
    case Damage::whole_page:
      page = core::to_string(random.bytes(page.size()));
      break;
    case Damage::zeros:
      page.assign(page.size(), '\0');
  }
  return page;
}

/// Kind of an LMDB page, from its flags.
bool is_tree_page(const std::string& page) { return (page[10] & 0x03) != 0; }

TEST_CASE("A damaged page is answered with corrupt, a miss or a wrong place", "[catalogue]") {
  const auto damage =
      GENERATE(Damage::one_bit, Damage::eight_bytes, Damage::whole_page, Damage::zeros);
  FilledHome filled(700);
  const std::string intact = read_file(filled.home.file("data.mdb"));
  // As after a killed process, so that the children need not sync a mark.
  std::string mark = read_file(filled.home.file("state"));
  mark[kMarkCleanAt] = '\0';
  const std::size_t pages = intact.size() / kPageBytes;
  SeededRandom random(static_cast<std::uint64_t>(damage) + 1);
  std::array<int, answers> counts{};
  int signals_by_tree_pages = 0;
  for (std::size_t page = 2; page < pages; ++page) {
    const std::string before = intact.substr(page * kPageBytes, kPageBytes);
    std::string damaged = intact;
    damaged.replace(page * kPageBytes, kPageBytes, damaged_page(before, damage, random));
    write_file(filled.home.file("data.mdb"), damaged);
    write_file(filled.home.file("state"), mark);
    const std::string end = in_child([&] { return static_cast<int>(ask_everything(filled)); });
    INFO("page " << page << ": " << end);
    if (end.starts_with("exit ")) {
      const auto answer = static_cast<std::size_t>(std::stoi(end.substr(5)));
      REQUIRE(answer < answers);
      REQUIRE(answer != other_error);
      ++counts[answer];
    } else {
      // LMDB trusts the offsets in its tree pages (lmdb_env.h). Nothing else may end the process,
      // and nothing may hang.
      REQUIRE(is_tree_page(before));
      // Signal 6 is malloc(), which finds that LMDB has written outside of its copy of a page.
      REQUIRE((end == "signal 11" || end == "signal 7" || end == "signal 6"));
      ++signals_by_tree_pages;
    }
  }
  WARN(fmt::format(
      "{} pages: {} unharmed, {} started empty, {} corrupt, {} wrong places, {} misses, "
      "{} signals by tree pages",
      pages - 2, counts[fine], counts[started_empty], counts[corrupt], counts[wrong_place],
      counts[missing], signals_by_tree_pages));
  CHECK(counts[corrupt] + counts[wrong_place] + counts[missing] > 0);
}

}  // namespace
}  // namespace cairn::test
