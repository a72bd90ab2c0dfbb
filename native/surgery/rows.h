// The innermost cut of a gather: which bytes of a source row make a row of the result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tascnet {

class Rows {
 public:
  // Slices of `bytes` bytes stay by the indices of `keep`, below `extent`. `keep` must outlive this; `element` is the
  // size of one number.
  Rows(const std::vector<std::int32_t>& keep, std::size_t extent, std::size_t bytes, std::size_t element);
  // The whole row stays.
  explicit Rows(std::size_t bytes);

  std::size_t bytes() const { return bytes_; }
  // A row is cut into this many segments of about equal work, so that threads can share out long ones.
  std::size_t segments() const { return segments_; }
  // Where a segment begins, in bytes of the result's row.
  std::size_t offset(std::size_t segment) const;
  // Writes segments [begin, end) of the row into a sink (sinks.h).
  template <class Sink>
  void write(std::size_t begin, std::size_t end, const char* source, Sink& sink) const;

 private:
  // Consecutive bytes: from, into the source row; to, into the result's.
  struct Run {
    std::size_t from;
    std::size_t to;
    std::size_t bytes;
  };
  // The three ways of copying: runs of consecutive indices; slices one by one; 4-byte elements by masks of 16.
  enum class Way { runs, slices, lanes };

  void addRun(std::size_t from, std::size_t bytes);
  void becomeLanes(std::size_t extent);

  Way way_ = Way::runs;
  std::size_t bytes_ = 0;
  std::size_t segments_ = 0;
  std::vector<Run> runs_;                             // runs: one a segment or several
  std::size_t runsPerSegment_ = 1;
  const std::vector<std::int32_t>* keep_ = nullptr;   // slices
  std::size_t slice_ = 0;
  std::size_t slicesPerSegment_ = 1;
  std::vector<std::uint16_t> masks_;                  // lanes: which of 16 neighbours stay
  std::vector<std::size_t> starts_;                   // lanes: per segment, the elements that stay before it
  std::vector<std::int32_t> rest_;                    // lanes: indices behind the last whole mask
};

}  // namespace tascnet
