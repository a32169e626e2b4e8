#include "fault_backend.h"

#include <fmt/format.h>

#include <gsl/assert>

namespace cairn::test {

using core::ErrorCode;
using core::fail;
using core::Status;
using repo::store::ObjectName;

namespace {

constexpr std::uint64_t kNoLimit = UINT64_MAX;

tl::unexpected<core::Error> fail_missing(const ObjectName& name) {
  return fail(ErrorCode::not_found,
              fmt::format("read {}: it is missing", repo::store::object_path(name)));
}

Status check_readable(const ObjectName& name, const Damage& damage, std::uint64_t offset,
                      std::uint64_t size) {
  const auto* const bad = std::get_if<damage::Unreadable>(&damage);
  if (bad == nullptr || bad->offset < offset || bad->offset - offset >= size) {
    return {};
  }
  return fail(ErrorCode::io,
              fmt::format("read {}: Input/output error", repo::store::object_path(name)));
}

}  // namespace

class FaultBackend::Writer final : public repo::store::ObjectWriter {
 public:
  Writer(FaultBackend& backend, std::unique_ptr<repo::store::ObjectWriter> real)
      : backend_(backend), real_(std::move(real)) {}

  Status append(core::ByteView data) override {
    CAIRN_TRY_STATUS(state_);
    state_ = backend_.count_call();
    CAIRN_TRY_STATUS(state_);
    state_ = real_->append(data);
    return state_;
  }
  Status publish(const ObjectName& name) override {
    CAIRN_TRY_STATUS(state_);
    state_ = backend_.count_call();
    CAIRN_TRY_STATUS(state_);
    state_ = real_->publish(name);
    return state_;
  }

 private:
  FaultBackend& backend_;
  std::unique_ptr<repo::store::ObjectWriter> real_;
  Status state_;
};

void FaultBackend::inflict(const ObjectName& name, Damage damage) {
  const std::scoped_lock lock(mutex_);
  damage_.insert_or_assign(name, damage);
}

void FaultBackend::heal(const ObjectName& name) {
  const std::scoped_lock lock(mutex_);
  damage_.erase(name);
}

void FaultBackend::arm(const Failure& failure) {
  Expects(failure.at_call >= 1);
  const std::scoped_lock lock(mutex_);
  failure_ = failure;
  calls_since_armed_ = 0;
  failure_hit_ = false;
}

void FaultBackend::disarm() {
  const std::scoped_lock lock(mutex_);
  failure_.reset();
}

bool FaultBackend::failure_hit() const {
  const std::scoped_lock lock(mutex_);
  return failure_hit_;
}

std::uint64_t FaultBackend::calls() const {
  const std::scoped_lock lock(mutex_);
  return calls_;
}

Status FaultBackend::count_call() {
  const std::scoped_lock lock(mutex_);
  ++calls_;
  ++calls_since_armed_;
  if (!failure_ || calls_since_armed_ < failure_->at_call ||
      (calls_since_armed_ > failure_->at_call && !failure_->sticky)) {
    return {};
  }
  failure_hit_ = true;
  return fail(failure_->code, "this call fails on the test's request");
}

const Damage* FaultBackend::damage_of(const ObjectName& name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = damage_.find(name);
  return found == damage_.end() ? nullptr : &found->second;
}

core::Result<std::optional<core::Bytes>> FaultBackend::damaged_object(const ObjectName& name,
                                                                      const Damage& damage) {
  if (std::holds_alternative<damage::Missing>(damage)) {
    return std::nullopt;
  }
  const auto* const swapped = std::get_if<damage::Swapped>(&damage);
  CAIRN_TRY(core::Bytes data, real_.get(swapped != nullptr ? swapped->with : name, kNoLimit));
  if (const auto* const truncated = std::get_if<damage::Truncated>(&damage)) {
    Expects(truncated->bytes <= data.size());
    data.resize(static_cast<std::size_t>(data.size() - truncated->bytes));
  } else if (const auto* const flipped = std::get_if<damage::Flipped>(&damage)) {
    Expects(flipped->offset < data.size());
    data[static_cast<std::size_t>(flipped->offset)] ^= flipped->mask;
  } else if (const auto* const grown = std::get_if<damage::Grown>(&damage)) {
    data.resize(static_cast<std::size_t>(data.size() + grown->bytes), std::byte{0});
  }
  return std::optional<core::Bytes>(std::move(data));
}

core::Result<std::unique_ptr<repo::store::ObjectWriter>> FaultBackend::start() {
  CAIRN_TRY_STATUS(count_call());
  CAIRN_TRY(std::unique_ptr<repo::store::ObjectWriter> real, real_.start());
  return std::make_unique<Writer>(*this, std::move(real));
}

core::Result<core::Bytes> FaultBackend::get(const ObjectName& name, std::uint64_t size_max) {
  CAIRN_TRY_STATUS(count_call());
  const Damage* const damage = damage_of(name);
  if (damage == nullptr) {
    return real_.get(name, size_max);
  }
  CAIRN_TRY_STATUS(check_readable(name, *damage, 0, kNoLimit));
  CAIRN_TRY(std::optional<core::Bytes> data, damaged_object(name, *damage));
  if (!data) {
    return fail_missing(name);
  }
  if (data->size() > size_max) {
    return fail(
        ErrorCode::limit_exceeded,
        fmt::format("read {}: it has {} bytes", repo::store::object_path(name), data->size()));
  }
  return *std::move(data);
}

Status FaultBackend::get_range(const ObjectName& name, std::uint64_t offset,
                               core::MutableByteView out) {
  CAIRN_TRY_STATUS(count_call());
  const Damage* const damage = damage_of(name);
  if (damage == nullptr) {
    return real_.get_range(name, offset, out);
  }
  CAIRN_TRY_STATUS(check_readable(name, *damage, offset, out.size()));
  CAIRN_TRY(const std::optional<core::Bytes> data, damaged_object(name, *damage));
  if (!data) {
    return fail_missing(name);
  }
  if (offset > data->size() || out.size() > data->size() - offset) {
    return fail(ErrorCode::corrupt,
                fmt::format("read {}: it ends too early", repo::store::object_path(name)));
  }
  core::copy_exact(out,
                   core::ByteView(*data).subspan(static_cast<std::size_t>(offset), out.size()));
  return {};
}

core::Result<std::optional<std::uint64_t>> FaultBackend::size(const ObjectName& name) {
  CAIRN_TRY_STATUS(count_call());
  const Damage* const damage = damage_of(name);
  if (damage == nullptr) {
    return real_.size(name);
  }
  CAIRN_TRY(const std::optional<core::Bytes> data, damaged_object(name, *damage));
  if (!data) {
    return std::nullopt;
  }
  return data->size();
}

Status FaultBackend::list(repo::format::ObjectKind kind,
                          const std::function<void(const repo::store::ListedObject&)>& visit,
                          const std::function<void(std::string_view)>& foreign) {
  CAIRN_TRY_STATUS(count_call());
  std::vector<repo::store::ListedObject> found;
  CAIRN_TRY_STATUS(real_.list(
      kind, [&found](const repo::store::ListedObject& object) { found.push_back(object); },
      foreign));
  for (repo::store::ListedObject& object : found) {
    if (const Damage* const damage = damage_of(object.name)) {
      CAIRN_TRY(const std::optional<core::Bytes> data, damaged_object(object.name, *damage));
      if (!data) {
        continue;
      }
      object.size_bytes = data->size();
    }
    visit(object);
  }
  return {};
}

Status FaultBackend::replace(const ObjectName& name, core::ByteView data) {
  CAIRN_TRY_STATUS(count_call());
  return real_.replace(name, data);
}

Status FaultBackend::remove(const ObjectName& name) {
  CAIRN_TRY_STATUS(count_call());
  return real_.remove(name);
}

core::Result<std::vector<std::string>> FaultBackend::unfinished() {
  CAIRN_TRY_STATUS(count_call());
  return real_.unfinished();
}

core::Result<std::vector<std::string>> FaultBackend::abandoned(repo::store::Certainty certainty) {
  CAIRN_TRY_STATUS(count_call());
  return real_.abandoned(certainty);
}

Status FaultBackend::discard_unfinished(const std::string& name) {
  CAIRN_TRY_STATUS(count_call());
  return real_.discard_unfinished(name);
}

core::Status FaultBackend::make_reserve(core::ByteView seed) {
  CAIRN_TRY_STATUS(count_call());
  return real_.make_reserve(seed);
}

core::Result<bool> FaultBackend::give_up_reserve() {
  CAIRN_TRY_STATUS(count_call());
  return real_.give_up_reserve();
}

}  // namespace cairn::test
