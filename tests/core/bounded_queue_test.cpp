#include "cairn/core/bounded_queue.h"

#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "catch2.h"

namespace cairn::core {
namespace {

TEST_CASE("values come out in the order they went in") {
  BoundedQueue<std::unique_ptr<int>> queue(3);
  for (int i = 0; i < 3; ++i) {
    CHECK(queue.push(std::make_unique<int>(i)));
  }
  for (int i = 0; i < 3; ++i) {
    const auto value = queue.pop();
    REQUIRE(value.has_value());
    CHECK(**value == i);
  }
}

TEST_CASE("a closed queue takes nothing more, but gives what it holds") {
  BoundedQueue<int> queue(3);
  CHECK(queue.push(1));
  CHECK(queue.push(2));
  queue.close();
  CHECK_FALSE(queue.push(3));
  CHECK(queue.pop() == 1);
  CHECK(queue.pop() == 2);
  CHECK(queue.pop() == std::nullopt);
  CHECK(queue.pop() == std::nullopt);
}

TEST_CASE("what would have to wait is not taken, and not touched") {
  BoundedQueue<std::unique_ptr<int>> queue(3);
  auto value = std::make_unique<int>(1);
  CHECK(queue.try_push(value, 2));
  CHECK(value == nullptr);
  value = std::make_unique<int>(2);
  CHECK_FALSE(queue.try_push(value, 2));
  REQUIRE(value != nullptr);
  CHECK(queue.try_push(value, 1));
  CHECK(**queue.pop() == 1);
  CHECK(**queue.pop() == 2);
  value = std::make_unique<int>(3);
  CHECK(queue.try_push(value, 100));  // an empty queue takes anything
  queue.close();
  value = std::make_unique<int>(4);
  CHECK_FALSE(queue.try_push(value));
  REQUIRE(value != nullptr);
}

TEST_CASE("a cancelled queue drops what it holds") {
  const auto value = std::make_shared<int>(1);
  BoundedQueue<std::shared_ptr<int>> queue(3);
  CHECK(queue.push(value));
  queue.cancel();
  CHECK(value.use_count() == 1);
  CHECK_FALSE(queue.push(value));
  CHECK(queue.pop() == std::nullopt);
}

TEST_CASE("a capacity of zero means one") {
  BoundedQueue<int> queue(0);
  CHECK(queue.push(1));
  CHECK(queue.pop() == 1);
}

TEST_CASE("values of some weight share the capacity", "[threads]") {
  BoundedQueue<int> queue(10);
  CHECK(queue.push(1, 25));  // nothing else is in it
  std::atomic<bool> pushed = false;
  std::thread producer([&] { pushed = queue.push(2, 6) && queue.push(3, 4) && queue.push(4, 1); });
  CHECK(queue.pop() == 1);
  CHECK(queue.pop() == 2);
  CHECK(queue.pop() == 3);
  CHECK(queue.pop() == 4);
  producer.join();
  CHECK(pushed);
}

TEST_CASE("a full queue makes the producer wait for the consumer", "[threads]") {
  BoundedQueue<int> queue(2);
  std::atomic<int> pushed = 0;
  std::thread producer([&] {
    for (int i = 0; i < 1'000; ++i) {
      if (!queue.push(i)) {
        return;
      }
      ++pushed;
    }
    queue.close();
  });
  bool in_order = true;
  bool bounded = true;
  int expected = 0;
  while (const auto value = queue.pop()) {
    in_order = in_order && *value == expected;
    ++expected;
    // Taken out: `expected`. In the queue: at most 2.
    bounded = bounded && pushed.load() <= expected + 2;
  }
  producer.join();
  CHECK(in_order);
  CHECK(bounded);
  CHECK(expected == 1'000);
}

TEST_CASE("every value reaches exactly one of many consumers", "[threads]") {
  constexpr int kThreads = 4;
  constexpr int kEach = 5'000;
  BoundedQueue<int> queue(7);
  std::vector<std::thread> producers;
  for (int t = 0; t < kThreads; ++t) {
    producers.emplace_back([&queue, t] {
      for (int i = 0; i < kEach; ++i) {
        static_cast<void>(queue.push(t * kEach + i));
      }
    });
  }
  std::vector<std::future<std::vector<int>>> consumers;
  for (int t = 0; t < kThreads; ++t) {
    consumers.push_back(std::async(std::launch::async, [&queue] {
      std::vector<int> mine;
      while (const auto value = queue.pop()) {
        mine.push_back(*value);
      }
      return mine;
    }));
  }
  for (auto& producer : producers) {
    producer.join();
  }
  queue.close();
  std::vector<int> seen(kThreads * kEach, 0);
  for (auto& consumer : consumers) {
    for (const int value : consumer.get()) {
      ++seen[static_cast<std::size_t>(value)];
    }
  }
  CHECK(std::count(seen.begin(), seen.end(), 1) == kThreads * kEach);
}

TEST_CASE("closing and cancelling wake everybody who waits", "[threads]") {
  for (const bool cancel : {false, true}) {
    BoundedQueue<int> full(1);
    BoundedQueue<int> empty(1);
    REQUIRE(full.push(1));
    std::vector<std::future<bool>> waiting;
    for (int t = 0; t < 3; ++t) {
      waiting.push_back(std::async(std::launch::async, [&] { return full.push(2); }));
      waiting.push_back(std::async(std::launch::async, [&] { return empty.pop().has_value(); }));
    }
    if (cancel) {
      full.cancel();
      empty.cancel();
    } else {
      full.close();
      empty.close();
    }
    for (auto& answer : waiting) {
      CHECK_FALSE(answer.get());
    }
  }
}

}  // namespace
}  // namespace cairn::core
