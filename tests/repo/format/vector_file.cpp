#include "vector_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gsl/assert>
#include <sstream>

#include "hex.h"

namespace cairn::test {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDigitsPerLine = 96;

fs::path vectors_folder() { return CAIRN_TEST_VECTORS_DIR; }
fs::path corpus_folder() { return vectors_folder() / ".." / ".." / "fuzz" / "corpus"; }

/// The rest of the line if it starts with `key` and a colon.
bool take_field(std::string_view line, std::string_view key, std::string& value) {
  if (!line.starts_with(key) || !line.substr(key.size()).starts_with(": ")) {
    return false;
  }
  value = line.substr(key.size() + 2);
  return true;
}

/// A file name that says the same as the note.
std::string slug(std::string_view note) {
  std::string name;
  for (const char c : note) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain) {
      name.push_back(c);
    } else if (!name.empty() && name.back() != '_') {
      name.push_back('_');
    }
  }
  while (!name.empty() && name.back() == '_') {
    name.pop_back();
  }
  return name;
}

void write_file(const fs::path& path, std::string_view contents) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(contents.data(), static_cast<std::streamsize>(contents.size()));
  file.close();
  Ensures(file.good());
}

}  // namespace

std::vector<std::string> vector_file_names() {
  std::vector<std::string> names;
  for (const auto& file : fs::directory_iterator(vectors_folder())) {
    if (file.path().extension() == ".vec") {
      names.push_back(file.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<Vector> read_vectors(std::string_view record) {
  std::ifstream file(vectors_folder() / (std::string(record) + ".vec"), std::ios::binary);
  Expects(file.is_open());
  std::ostringstream text;
  text << file.rdbuf();
  return parse_vectors(text.str());
}

std::string format_vectors(const std::vector<Vector>& vectors) {
  std::string text;
  for (const Vector& vector : vectors) {
    text += "record: " + vector.record + "\n";
    text += "expect: " + vector.expect + "\n";
    text += "note: " + vector.note + "\n";
    if (!vector.says.empty()) {
      text += "says: " + vector.says + "\n";
    }
    const std::string digits = core::to_hex(vector.bytes);
    for (std::size_t i = 0; i < digits.size(); i += kDigitsPerLine) {
      text += digits.substr(i, kDigitsPerLine) + "\n";
    }
    text += "\n";
  }
  return text;
}

std::vector<Vector> parse_vectors(std::string_view text) {
  std::vector<Vector> vectors;
  bool inside = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with('#')) {
      continue;
    }
    if (line.empty()) {
      inside = false;
      continue;
    }
    if (!inside) {
      vectors.emplace_back();
      inside = true;
    }
    Vector& vector = vectors.back();
    if (!take_field(line, "record", vector.record) && !take_field(line, "expect", vector.expect) &&
        !take_field(line, "note", vector.note) && !take_field(line, "says", vector.says)) {
      core::append(vector.bytes, from_hex(line));
    }
  }
  return vectors;
}

void write_vectors(std::string_view record, const std::vector<Vector>& vectors) {
  const std::string name(record);
  write_file(vectors_folder() / (name + ".vec"), format_vectors(vectors));
  const fs::path corpus = corpus_folder() / name;
  fs::remove_all(corpus);
  fs::create_directories(corpus);
  for (const Vector& vector : vectors) {
    const std::string bytes = core::to_string(vector.bytes);
    write_file(corpus / (vector.expect + "_" + slug(vector.note)), bytes);
  }
}

}  // namespace cairn::test
