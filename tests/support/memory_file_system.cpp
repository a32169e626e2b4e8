#include "memory_file_system.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <gsl/assert>
#include <map>
#include <mutex>

#include "parent_path.h"

namespace cairn::test {
namespace {

using core::Bytes;
using core::ByteView;
using core::errno_error;
using core::fail;
using core::Result;
using core::Status;

struct Node {
  bool is_folder = false;
  Bytes data;
};

/// Shared by the file system and the files being written, which may outlive it.
struct Tree {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<Node>> nodes;
};

tl::unexpected<core::Error> fail_errno(int error_number, std::string_view action,
                                       const std::string& path) {
  return fail(errno_error(error_number, fmt::format("{} {}", action, path)));
}

class MemoryFile final : public core::WritableFile {
 public:
  MemoryFile(std::shared_ptr<Tree> tree, std::shared_ptr<Node> node, std::string path)
      : tree_(std::move(tree)), node_(std::move(node)), path_(std::move(path)) {}

  Status append(ByteView data) override {
    Expects(node_ != nullptr);
    const std::scoped_lock lock(tree_->mutex);
    core::append(node_->data, data);
    return {};
  }
  Status sync() override {
    Expects(node_ != nullptr);
    return {};
  }
  Result<bool> has_its_name() const override {
    Expects(node_ != nullptr);
    const std::scoped_lock lock(tree_->mutex);
    const auto named = tree_->nodes.find(path_);
    return named != tree_->nodes.end() && named->second == node_;
  }
  Status close() override {
    Expects(node_ != nullptr);
    node_ = nullptr;
    return {};
  }

 private:
  std::shared_ptr<Tree> tree_;
  std::shared_ptr<Node> node_;
  std::string path_;
};

class MemoryFileSystem final : public core::FileSystem {
 public:
  MemoryFileSystem() { tree_->nodes.emplace("/", make_node(true)); }

  Result<std::unique_ptr<core::WritableFile>> create(const std::string& path) override {
    const std::scoped_lock lock(tree_->mutex);
    if (const int error_number = cannot_add(path); error_number != 0) {
      return fail_errno(error_number, "create", path);
    }
    auto node = make_node(false);
    tree_->nodes.emplace(path, node);
    return std::make_unique<MemoryFile>(tree_, std::move(node), path);
  }

  Status read_at(const std::string& path, std::uint64_t offset,
                 core::MutableByteView out) override {
    const std::scoped_lock lock(tree_->mutex);
    const Node* const node = find(path);
    if (node == nullptr) {
      return fail_errno(ENOENT, "open", path);
    }
    if (node->is_folder) {
      return fail(core::ErrorCode::io, fmt::format("open {}: not a regular file", path));
    }
    const std::size_t size = node->data.size();
    if (offset > size || out.size() > size - offset) {
      return fail(core::ErrorCode::corrupt,
                  fmt::format("read {}: it ends before the end of the {} bytes at offset {}", path,
                              out.size(), offset));
    }
    if (!out.empty()) {
      std::memcpy(out.data(), node->data.data() + offset, out.size());
    }
    return {};
  }

  Result<std::optional<core::FileInfo>> info(const std::string& path) override {
    const std::scoped_lock lock(tree_->mutex);
    const Node* const node = find(path);
    if (node == nullptr) {
      return std::nullopt;
    }
    return core::FileInfo{.is_folder = node->is_folder, .size_bytes = node->data.size()};
  }

  Result<std::vector<std::string>> list(const std::string& path) override {
    const std::scoped_lock lock(tree_->mutex);
    const Node* const node = find(path);
    if (node == nullptr || !node->is_folder) {
      return fail_errno(node == nullptr ? ENOENT : ENOTDIR, "list", path);
    }
    std::vector<std::string> names;
    for_each_below(path, [&](const std::string& name) {
      if (name.find('/') == std::string::npos) {
        names.push_back(name);
      }
    });
    return names;
  }

  Status publish(const std::string& from, const std::string& to) override {
    const std::scoped_lock lock(tree_->mutex);
    const auto source = tree_->nodes.find(from);
    const int error_number = source == tree_->nodes.end() ? ENOENT : cannot_add(to);
    if (error_number != 0) {
      return fail_errno(error_number, "publish", to);
    }
    Expects(!source->second->is_folder);  // nothing in Cairn moves folders
    tree_->nodes.emplace(to, source->second);
    tree_->nodes.erase(source);
    return {};
  }

  Status replace(const std::string& from, const std::string& to) override {
    const std::scoped_lock lock(tree_->mutex);
    const auto source = tree_->nodes.find(from);
    const auto target = tree_->nodes.find(to);
    const bool is_over = target != tree_->nodes.end() && !target->second->is_folder;
    const int error_number = source == tree_->nodes.end() ? ENOENT : is_over ? 0 : cannot_add(to);
    if (error_number != 0) {
      return fail_errno(error_number, "replace", to);
    }
    tree_->nodes[to] = source->second;
    tree_->nodes.erase(source);
    return {};
  }

  Status remove(const std::string& path) override {
    const std::scoped_lock lock(tree_->mutex);
    if (find(path) == nullptr) {
      return fail_errno(ENOENT, "remove", path);
    }
    bool empty = true;
    for_each_below(path, [&](const std::string& /*name*/) { empty = false; });
    if (!empty) {
      return fail_errno(ENOTEMPTY, "remove", path);
    }
    tree_->nodes.erase(path);
    return {};
  }

  Status make_folder(const std::string& path) override {
    const std::scoped_lock lock(tree_->mutex);
    const Node* const present = find(path);
    if (present != nullptr && present->is_folder) {
      return {};
    }
    if (const int error_number = cannot_add(path); error_number != 0) {
      return fail_errno(error_number, "create folder", path);
    }
    tree_->nodes.emplace(path, make_node(true));
    return {};
  }

  Status share(const std::string& /*path*/, core::Sharing /*sharing*/) override { return {}; }
  Result<core::Sharing> sharing_inside(const std::string& /*folder*/) override {
    return core::Sharing::owner_only;
  }

  Status sync_folder(const std::string& path) override {
    const std::scoped_lock lock(tree_->mutex);
    const Node* const node = find(path);
    if (node == nullptr || !node->is_folder) {
      return fail_errno(node == nullptr ? ENOENT : ENOTDIR, "open folder", path);
    }
    return {};
  }

 private:
  static std::shared_ptr<Node> make_node(bool is_folder) {
    auto node = std::make_shared<Node>();
    node->is_folder = is_folder;
    return node;
  }

  const Node* find(const std::string& path) const {
    const auto found = tree_->nodes.find(path);
    return found == tree_->nodes.end() ? nullptr : found->second.get();
  }

  // The errno that adding this name meets, or 0.
  int cannot_add(const std::string& path) const {
    if (find(path) != nullptr) {
      return EEXIST;
    }
    const Node* const parent = find(parent_path(path));
    if (parent == nullptr) {
      return ENOENT;
    }
    return parent->is_folder ? 0 : ENOTDIR;
  }

  template <class Visit>
  void for_each_below(const std::string& path, Visit visit) const {
    const std::string prefix = path == "/" ? path : path + "/";
    for (auto it = tree_->nodes.upper_bound(prefix);
         it != tree_->nodes.end() && it->first.compare(0, prefix.size(), prefix) == 0; ++it) {
      visit(it->first.substr(prefix.size()));
    }
  }

  std::shared_ptr<Tree> tree_ = std::make_shared<Tree>();
};

}  // namespace

std::unique_ptr<core::FileSystem> make_memory_file_system() {
  return std::make_unique<MemoryFileSystem>();
}

}  // namespace cairn::test
