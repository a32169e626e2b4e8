#include "mem_backend.h"

#include <fmt/format.h>

#include <gsl/assert>

namespace cairn::test {

using core::ErrorCode;
using core::fail;
using core::Status;
using repo::store::ObjectName;

namespace {

tl::unexpected<core::Error> fail_missing(std::string_view action, const ObjectName& name) {
  return fail(ErrorCode::not_found,
              fmt::format("{} {}: it is missing", action, repo::store::object_path(name)));
}

}  // namespace

class MemBackend::Writer final : public repo::store::ObjectWriter {
 public:
  explicit Writer(MemBackend& backend) : backend_(backend) {}

  Status append(core::ByteView data) override {
    CAIRN_TRY_STATUS(state_);
    Expects(!published_);
    core::append(data_, data);
    return {};
  }
  Status publish(const ObjectName& name) override {
    CAIRN_TRY_STATUS(state_);
    Expects(!published_);
    published_ = true;
    state_ = backend_.publish(name, std::move(data_));
    return state_;
  }

 private:
  MemBackend& backend_;
  core::Bytes data_;
  Status state_;
  bool published_ = false;
};

core::Result<std::unique_ptr<repo::store::ObjectWriter>> MemBackend::start() {
  return std::make_unique<Writer>(*this);
}

Status MemBackend::publish(const ObjectName& name, core::Bytes data) {
  const std::scoped_lock lock(mutex_);
  const bool added =
      objects_.try_emplace(name, std::make_shared<const core::Bytes>(std::move(data))).second;
  if (!added) {
    return fail(ErrorCode::already_exists,
                fmt::format("publish {}: it exists", repo::store::object_path(name)));
  }
  return {};
}

std::shared_ptr<const core::Bytes> MemBackend::find(const ObjectName& name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = objects_.find(name);
  return found == objects_.end() ? nullptr : found->second;
}

core::Result<core::Bytes> MemBackend::get(const ObjectName& name, std::uint64_t size_max) {
  const auto data = find(name);
  if (data == nullptr) {
    return fail_missing("read", name);
  }
  if (data->size() > size_max) {
    return fail(
        ErrorCode::limit_exceeded,
        fmt::format("read {}: it has {} bytes", repo::store::object_path(name), data->size()));
  }
  return core::to_bytes(*data);
}

Status MemBackend::get_range(const ObjectName& name, std::uint64_t offset,
                             core::MutableByteView out) {
  const auto data = find(name);
  if (data == nullptr) {
    return fail_missing("read", name);
  }
  if (offset > data->size() || out.size() > data->size() - offset) {
    return fail(ErrorCode::corrupt,
                fmt::format("read {}: it ends too early", repo::store::object_path(name)));
  }
  core::copy_exact(out,
                   core::ByteView(*data).subspan(static_cast<std::size_t>(offset), out.size()));
  return {};
}

core::Result<std::optional<std::uint64_t>> MemBackend::size(const ObjectName& name) {
  const auto data = find(name);
  if (data == nullptr) {
    return std::nullopt;
  }
  return data->size();
}

Status MemBackend::list(repo::format::ObjectKind kind,
                        const std::function<void(const repo::store::ListedObject&)>& visit,
                        const std::function<void(std::string_view)>& foreign) {
  std::vector<repo::store::ListedObject> found;
  std::vector<std::string> others;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [name, data] : objects_) {
      if (name.kind == kind) {
        found.push_back({.name = name, .size_bytes = data->size()});
      }
    }
    for (const auto& [other_kind, path] : foreign_) {
      if (other_kind == kind) {
        others.push_back(path);
      }
    }
  }
  for (const repo::store::ListedObject& object : found) {
    visit(object);
  }
  for (const std::string& path : others) {
    if (foreign) {
      foreign(path);
    }
  }
  return {};
}

Status MemBackend::replace(const ObjectName& name, core::ByteView data) {
  set_object(name, core::to_bytes(data));
  return {};
}

Status MemBackend::remove(const ObjectName& name) {
  const std::scoped_lock lock(mutex_);
  return objects_.erase(name) == 1 ? Status() : fail_missing("remove", name);
}

std::vector<ObjectName> MemBackend::names() const {
  const std::scoped_lock lock(mutex_);
  std::vector<ObjectName> names;
  for (const auto& [name, data] : objects_) {
    names.push_back(name);
  }
  return names;
}

core::Bytes MemBackend::object(const ObjectName& name) const {
  const auto data = find(name);
  Expects(data != nullptr);
  return core::to_bytes(*data);
}

void MemBackend::set_object(const ObjectName& name, core::Bytes data) {
  const std::scoped_lock lock(mutex_);
  objects_[name] = std::make_shared<const core::Bytes>(std::move(data));
}

void MemBackend::add_foreign(repo::format::ObjectKind kind, std::string path) {
  const std::scoped_lock lock(mutex_);
  foreign_.emplace_back(kind, std::move(path));
}

}  // namespace cairn::test
