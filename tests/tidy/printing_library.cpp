// Everything a library must not do, for the test that the symbol check notices.
#include <cstdlib>
#include <iostream>

void print_and_exit() {
  std::cout << "printed\n";
  std::exit(1);
}
