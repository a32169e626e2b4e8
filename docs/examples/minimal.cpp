// minimal REPOSITORY SOURCE TARGET: makes a repository, backs up, lists and restores. All paths are
// absolute; REPOSITORY and TARGET are new folders. With the package installed, CMake needs
//     find_package(cairn REQUIRED)
//     target_link_libraries(minimal PRIVATE cairn::repo)

#include <cairn/repo/backup.h>
#include <cairn/repo/browse.h>
#include <cairn/repo/repository.h>
#include <cairn/repo/restore.h>

#include <iostream>

namespace repo = cairn::repo;
using cairn::core::Status;

Status run(const std::string& location, const std::string& source, const std::string& target) {
  repo::Observer observer;  // derive from it to hear of progress, problems and warnings
  CAIRN_TRY(const repo::Environment environment, repo::system_environment());
  const auto secret = cairn::core::SecretBytes::copy_of(cairn::core::as_view("correct horse"));
  CAIRN_TRY(
      repo::Repository repository,
      repo::Repository::init(
          environment, {.location = location,
                        .credentials = {repo::Credentials::Type::passphrase, secret.duplicate()}}));

  CAIRN_TRY(const repo::BackupReport made, repo::backup(repository, {.paths = {source}}, observer));
  CAIRN_TRY_STATUS(repo::list_entries(repository, made.snapshot, {.recursive = true}, observer,
                                      [](const repo::ListedEntry& listed) -> Status {
                                        std::cout << listed.path << '\n';
                                        return {};
                                      }));
  CAIRN_TRY(const repo::RestoreReport restored,
            repo::restore(repository, made.snapshot, {.target = target}, observer));
  std::cout << restored.restored.files << " files restored, " << restored.problem_count
            << " problems\n";
  return {};
}

int main(int argc, char** argv) {
  const Status done = argc == 4 ? run(argv[1], argv[2], argv[3])
                                : cairn::core::fail(cairn::core::ErrorCode::invalid_argument,
                                                    "usage: minimal REPOSITORY SOURCE TARGET");
  if (!done) {
    std::cerr << done.error().message() << '\n' << done.error().hint() << '\n';
  }
  return done ? 0 : 1;
}
