#pragma once

#include "cairn/core/result.h"
#include "command_line/arguments.h"
#include "context/context.h"
#include "output/exit_code.h"

/// Every command: does what the arguments say and tells the console. The answer is the exit status;
/// an error has not been told yet.
namespace cairn::cli {

core::Result<ExitCode> execute(const InitArguments& arguments, Context& context);
core::Result<ExitCode> execute(const ConfigArguments& arguments, Context& context);
core::Result<ExitCode> execute(const BackupArguments& arguments, Context& context);
core::Result<ExitCode> execute(const SnapshotsArguments& arguments, Context& context);
core::Result<ExitCode> execute(const LsArguments& arguments, Context& context);
core::Result<ExitCode> execute(const FindArguments& arguments, Context& context);
core::Result<ExitCode> execute(const DiffArguments& arguments, Context& context);
core::Result<ExitCode> execute(const DumpArguments& arguments, Context& context);
core::Result<ExitCode> execute(const RestoreArguments& arguments, Context& context);
core::Result<ExitCode> execute(const CopyArguments& arguments, Context& context);
core::Result<ExitCode> execute(const VerifyArguments& arguments, Context& context);
core::Result<ExitCode> execute(const PinArguments& arguments, Context& context);
core::Result<ExitCode> execute(const TagArguments& arguments, Context& context);
core::Result<ExitCode> execute(const ForgetArguments& arguments, Context& context);
core::Result<ExitCode> execute(const PruneArguments& arguments, Context& context);
core::Result<ExitCode> execute(const RepairObjectsArguments& arguments, Context& context);
core::Result<ExitCode> execute(const RepairIndexArguments& arguments, Context& context);
core::Result<ExitCode> execute(const RepairPacksArguments& arguments, Context& context);
core::Result<ExitCode> execute(const RewriteArguments& arguments, Context& context);
core::Result<ExitCode> execute(const StatsArguments& arguments, Context& context);
core::Result<ExitCode> execute(const KeyListArguments& arguments, Context& context);
core::Result<ExitCode> execute(const KeyAddArguments& arguments, Context& context);
core::Result<ExitCode> execute(const KeyRemoveArguments& arguments, Context& context);
core::Result<ExitCode> execute(const KeyPasswdArguments& arguments, Context& context);
core::Result<ExitCode> execute(const KeyExportArguments& arguments, Context& context);
core::Result<ExitCode> execute(const KeyImportArguments& arguments, Context& context);
core::Result<ExitCode> execute(const VersionArguments& arguments, Context& context);

}  // namespace cairn::cli
