#include "repo/protocol/protocol.h"

#include "repo/protocol/state.h"

namespace cairn::protocol {

Protocol as_designed(const World& world) {
  Protocol protocol;
  protocol.writer = {WriterStep::w0_announce, WriterStep::w1_list_records,
                     WriterStep::w1_read_records, WriterStep::w2_list_packs};
  if (world.shared_catalogue) {
    protocol.writer.push_back(WriterStep::w2_commit_catalogue);
  }
  if (world.standing_snapshots_vouch) {
    protocol.writer.push_back(WriterStep::w2_list_snapshots);
  }
  for (const auto step : {WriterStep::w3_put_pack, WriterStep::w3_put_segment,
                          WriterStep::w4_create_register, WriterStep::w5_remove_session}) {
    protocol.writer.push_back(step);
  }

  protocol.collector = {CollectorStep::g0_read_records,  CollectorStep::g0_list_packs,
                        CollectorStep::g0_mark_and_plan, CollectorStep::g1_put_copies,
                        CollectorStep::g1_put_segment,   CollectorStep::g1_put_record,
                        CollectorStep::g2_list_sessions, CollectorStep::g3_wait,
                        CollectorStep::g4_mark_again,    CollectorStep::g5_list_records,
                        CollectorStep::g5_read_records,  CollectorStep::g5_list_segments,
                        CollectorStep::g5_list_packs};
  if (world.shared_catalogue) {
    protocol.collector.push_back(CollectorStep::g5_commit_catalogue);
  }
  for (const auto step :
       {CollectorStep::g5_decide, CollectorStep::g6_put_segment, CollectorStep::g6_remove_segments,
        CollectorStep::g6_remove_packs, CollectorStep::g7_remove_own_record,
        CollectorStep::g7_remove_spent_records}) {
    protocol.collector.push_back(step);
  }

  if (!world.index) {
    std::erase(protocol.writer, WriterStep::w3_put_segment);
    for (const auto step : {CollectorStep::g1_put_segment, CollectorStep::g5_list_segments,
                            CollectorStep::g6_put_segment, CollectorStep::g6_remove_segments}) {
      std::erase(protocol.collector, step);
    }
  }
  if (!world.shared_catalogue) {
    protocol.collector_at_once = {CollectorStep::g5_decide};  // it looks at nothing new
  }
  if (!world.fine) {
    protocol.writer_at_once = {WriterStep::w1_read_records};
    for (const auto step : {CollectorStep::g0_list_packs, CollectorStep::g0_mark_and_plan,
                            CollectorStep::g5_read_records}) {
      protocol.collector_at_once.push_back(step);
    }
  }
  return protocol;
}

}  // namespace cairn::protocol
