#pragma once

#include <array>

#include "commands/command.h"

/// All commands. The program's help, the suggestions for a mistyped command, and the list of
/// commands whose JSON is lines come from this table.
namespace cairn::cli {

extern const CommandSpec kInitCommand;
extern const CommandSpec kBackupCommand;
extern const CommandSpec kSnapshotsCommand;
extern const CommandSpec kSnapshotsPinCommand;
extern const CommandSpec kSnapshotsUnpinCommand;
extern const CommandSpec kTagCommand;
extern const CommandSpec kTagAddCommand;
extern const CommandSpec kTagRemoveCommand;
extern const CommandSpec kLsCommand;
extern const CommandSpec kFindCommand;
extern const CommandSpec kDiffCommand;
extern const CommandSpec kDumpCommand;
extern const CommandSpec kRestoreCommand;
extern const CommandSpec kCopyCommand;
extern const CommandSpec kVerifyCommand;
extern const CommandSpec kForgetCommand;
extern const CommandSpec kPruneCommand;
extern const CommandSpec kRepairCommand;
extern const CommandSpec kRepairObjectsCommand;
extern const CommandSpec kRepairIndexCommand;
extern const CommandSpec kRepairPacksCommand;
extern const CommandSpec kRepairSnapshotsCommand;
extern const CommandSpec kRewriteCommand;
extern const CommandSpec kStatsCommand;
extern const CommandSpec kConfigCommand;
extern const CommandSpec kKeyCommand;
extern const CommandSpec kKeyListCommand;
extern const CommandSpec kKeyAddCommand;
extern const CommandSpec kKeyRemoveCommand;
extern const CommandSpec kKeyPasswdCommand;
extern const CommandSpec kKeyExportCommand;
extern const CommandSpec kKeyImportCommand;
extern const CommandSpec kVersionCommand;

/// In the order of the help; subcommands follow their command.
inline constexpr std::array kCommands = {
    &kInitCommand,
    &kBackupCommand,
    &kSnapshotsCommand,
    &kSnapshotsPinCommand,
    &kSnapshotsUnpinCommand,
    &kTagCommand,
    &kTagAddCommand,
    &kTagRemoveCommand,
    &kLsCommand,
    &kFindCommand,
    &kDiffCommand,
    &kDumpCommand,
    &kRestoreCommand,
    &kCopyCommand,
    &kVerifyCommand,
    &kForgetCommand,
    &kPruneCommand,
    &kRepairCommand,
    &kRepairObjectsCommand,
    &kRepairIndexCommand,
    &kRepairPacksCommand,
    &kRepairSnapshotsCommand,
    &kRewriteCommand,
    &kStatsCommand,
    &kConfigCommand,
    &kKeyCommand,
    &kKeyListCommand,
    &kKeyAddCommand,
    &kKeyRemoveCommand,
    &kKeyPasswdCommand,
    &kKeyExportCommand,
    &kKeyImportCommand,
    &kVersionCommand,
};

}  // namespace cairn::cli
