#include <ostream>

#include "cairn/core/secret.h"

// Compiles as it is; with any of the bad lines, let in by its number, it must not.
namespace cairn::core {

struct DoorTag;
struct SafeTag;

void use(std::ostream& out, SecretBytes first, SecretKey<DoorTag> key) {
  SecretBytes second = first.duplicate();
  SecretKey<DoorTag> same = key.duplicate();
#if CAIRN_BAD_LINE == 1
  const SecretBytes copy = first;
#elif CAIRN_BAD_LINE == 2
  second = first;
#elif CAIRN_BAD_LINE == 3
  out << first;
#elif CAIRN_BAD_LINE == 4
  const SecretKey<DoorTag> copy = key;
#elif CAIRN_BAD_LINE == 5
  const SecretKey<SafeTag> other = std::move(key);
#elif CAIRN_BAD_LINE == 6
  out << key;
#elif CAIRN_BAD_LINE == 7
  if (first == second) {
    return;
  }
#endif
  second = std::move(first);
  same = std::move(key);
  out << second.size();
}

}  // namespace cairn::core
