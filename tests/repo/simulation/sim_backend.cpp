#include "sim_backend.h"

namespace cairn::test {

using repo::store::ObjectName;

namespace {

tl::unexpected<core::Error> dead() {
  return core::fail(core::ErrorCode::io, "the process is dead");
}

class SimWriter final : public repo::store::ObjectWriter {
 public:
  explicit SimWriter(SimBackend& backend) : backend_(backend) {}
  core::Status append(core::ByteView data) override {
    core::append(data_, data);
    return {};
  }
  core::Status publish(const ObjectName& name) override { return backend_.put_whole(name, data_); }

 private:
  SimBackend& backend_;
  core::Bytes data_;
};

}  // namespace

core::Status SimBackend::turn() {
  if (is_dead_) {
    return dead();
  }
  scheduler_.turn(actor_);
  if (options_.sleep_one_in != 0 && scheduler_.below(options_.sleep_one_in) == 0) {
    scheduler_.sleep(actor_, scheduler_.below(options_.sleep_turns) + 1);
  }
  if (options_.crash_one_in != 0 && scheduler_.below(options_.crash_one_in) == 0) {
    is_dead_ = true;
    return dead();
  }
  return {};
}

// Its bytes are nobody's business until it is published.
core::Result<std::unique_ptr<repo::store::ObjectWriter>> SimBackend::start() {
  return std::make_unique<SimWriter>(*this);
}

core::Status SimBackend::put_whole(const ObjectName& name, core::ByteView data) {
  CAIRN_TRY_STATUS(turn());
  CAIRN_TRY_STATUS(storage_.put(name, data));
  checker_.published(name);
  // It may die before it learns that it has succeeded.
  if (options_.crash_one_in != 0 && scheduler_.below(options_.crash_one_in) == 0) {
    is_dead_ = true;
    return dead();
  }
  return {};
}

core::Result<core::Bytes> SimBackend::get(const ObjectName& name, std::uint64_t size_max) {
  CAIRN_TRY_STATUS(turn());
  return storage_.get(name, size_max);
}

core::Status SimBackend::get_range(const ObjectName& name, std::uint64_t offset,
                                   core::MutableByteView out) {
  CAIRN_TRY_STATUS(turn());
  return storage_.get_range(name, offset, out);
}

core::Result<std::optional<std::uint64_t>> SimBackend::size(const ObjectName& name) {
  CAIRN_TRY_STATUS(turn());
  return storage_.size(name);
}

core::Status SimBackend::list(repo::format::ObjectKind kind,
                              const std::function<void(const repo::store::ListedObject&)>& visit,
                              const std::function<void(std::string_view)>& foreign) {
  CAIRN_TRY_STATUS(turn());
  return storage_.list(kind, visit, foreign);
}

core::Status SimBackend::remove(const ObjectName& name) {
  CAIRN_TRY_STATUS(turn());
  CAIRN_TRY_STATUS(storage_.remove(name));
  checker_.removed(name);
  return {};
}

}  // namespace cairn::test
