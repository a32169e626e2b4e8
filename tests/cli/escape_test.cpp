#include "text/escape.h"

#include <string>

#include "catch2.h"

namespace cairn::cli {
namespace {

using namespace std::string_literals;

TEST_CASE("plain text stays as it is") {
  for (const char* text :
       {"", "a b c", "Grüße", "日本語", "\xF0\x9F\x98\x80", "it's \"quoted\" $HOME"}) {
    CHECK(escape_text(text) == text);
    CHECK(escape_name(text) == text);
    CHECK(is_valid_utf8(text));
    CHECK(to_valid_utf8(text) == text);
  }
}

TEST_CASE("no control byte reaches the terminal") {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string name{'a', static_cast<char>(byte), 'b'};
    const bool printable = byte >= 0x20 && byte < 0x7f;
    CAPTURE(byte);
    CHECK((escape_text(name) == name) == printable);
    for (const char c : escape_text(name) + escape_name(name)) {
      CHECK((c >= 0x20 && c < 0x7f));
    }
  }
}

TEST_CASE("escapes are the ones that printf %b turns back") {
  CHECK(escape_text("a\nb\tc\rd\x1b[2Je\x7f") == "a\\nb\\tc\\rd\\x1b[2Je\\x7f");
  CHECK(escape_text("nul\0end"s) == "nul\\x00end");
}

TEST_CASE("only names have their backslashes doubled") {
  CHECK(escape_text("a\\nb") == "a\\nb");
  CHECK(escape_name("a\\nb") == "a\\\\nb");
  CHECK(escape_name("a\nb") == "a\\nb");
}

TEST_CASE("escaping twice changes messages no further") {
  const std::string once = escape_text("bad \x1b and \xff and \\");
  CHECK(escape_text(once) == once);
}

TEST_CASE("C1 controls, marks of direction and separators are escaped though they are UTF-8") {
  CHECK(escape_text("a\xc2\x9b"
                    "31m") == "a\\xc2\\x9b31m");
  CHECK(escape_text("photo_\xe2\x80\xae"
                    "gpj.exe") == "photo_\\xe2\\x80\\xaegpj.exe");
  CHECK(escape_text("\xe2\x80\xa8") == "\\xe2\\x80\\xa8");
  CHECK(escape_text("\xef\xbb\xbf") == "\\xef\\xbb\\xbf");
  CHECK(is_valid_utf8("\xe2\x80\xae"));
}

TEST_CASE("what RFC 3629 forbids is no UTF-8") {
  for (const std::string bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xed\xa0\x80",
        "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc3",
        "\xe2\x82", "\xf0\x9f\x98"}) {
    CAPTURE(escape_text(bad));
    CHECK_FALSE(is_valid_utf8(bad));
    CHECK(is_valid_utf8(to_valid_utf8(bad)));
    CHECK(escape_text(bad).size() == 4 * bad.size());
  }
  for (const std::string good : {"\xc2\xa0", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                                 "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    CHECK(is_valid_utf8(good));
  }
}

TEST_CASE("broken bytes are replaced one by one") {
  CHECK(to_valid_utf8("a\xff\xfe"
                      "b") ==
        "a\xef\xbf\xbd\xef\xbf\xbd"
        "b");
  CHECK(to_valid_utf8("\xe2\x82") == "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST_CASE("width counts characters, wide ones twice") {
  CHECK(display_width("") == 0);
  CHECK(display_width("abc") == 3);
  CHECK(display_width("Grüße") == 5);
  CHECK(display_width("日本") == 4);
  CHECK(display_width("\xF0\x9F\x98\x80") == 2);
}

TEST_CASE("shortening keeps the end of a path and never exceeds the width") {
  const std::string path = "/home/ada/Übungen/日本語/notes.txt";
  CHECK(shorten_to_tail(path, 100) == path);
  CHECK(shorten_to_tail(path, 12) == "...notes.txt");
  CHECK(shorten_to_tail(path, 3).empty());
  CHECK(shorten_to_tail("abc", 3) == "abc");
  for (std::size_t columns = 0; columns < 40; ++columns) {
    const std::string shorter = shorten_to_tail(path, columns);
    CHECK(display_width(shorter) <= columns);
    CHECK(is_valid_utf8(shorter));
    CHECK(display_width(shorten_to_head(path, columns)) <= columns);
    CHECK(is_valid_utf8(shorten_to_head(path, columns)));
  }
}

}  // namespace
}  // namespace cairn::cli
