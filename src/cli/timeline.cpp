// SPDX-License-Identifier: Apache-2.0
// provision timeline: the stages and steps of a first boot as bars over time.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/text.hpp"
#include "cli/complaint.hpp"
#include "cli/console.hpp"
#include "cli/status.hpp"

namespace provision::cli {
namespace {

struct TimelineOptions {
  std::string root = "/";
  bool svg = false;
};

struct Bar {
  std::string label;
  // "applied" and the like, by which a bar is coloured; of a stage its result.
  std::string outcome;
  bool is_stage = false;
  // Since the first stage began.
  std::int64_t begin = 0;
  std::int64_t length = 0;
};

struct Chart {
  std::string title;
  std::vector<Bar> bars;
  std::int64_t length = 1;
};

bool has_time(const run::StepReport& step) { return step.started_microseconds > 0; }

void add_stage(Chart& chart, const run::StageReport& stage, std::int64_t origin) {
  const std::int64_t begin = stage.started_microseconds - origin;
  std::vector<run::StepReport> steps;
  std::copy_if(stage.steps.begin(), stage.steps.end(), std::back_inserter(steps), has_time);
  std::stable_sort(steps.begin(), steps.end(),
                   [](const auto& a, const auto& b) { return a.started_microseconds < b.started_microseconds; });
  const auto earlier = static_cast<std::size_t>(std::count_if(
      stage.steps.begin(), stage.steps.end(), [](const auto& step) { return step.outcome == "earlier"; }));
  const std::size_t others = stage.steps.size() - steps.size() - earlier;
  std::string more = others == 0 ? "" : fmt::format(", {} with nothing to do", others);
  // This boot's report has no times for them.
  more += earlier == 0 ? "" : fmt::format(", {} in an earlier boot", earlier);
  chart.bars.push_back({stage.name + " (" + stage.result + more + ")", stage.result, true, begin, stage.microseconds});
  chart.length = std::max(chart.length, begin + stage.microseconds);
  for (const auto& step : steps) {
    chart.bars.push_back({step.sentence, step.outcome, false, step.started_microseconds - origin, step.microseconds});
    chart.length = std::max(chart.length, step.started_microseconds - origin + step.microseconds);
  }
}

Chart chart_of(const run::Report& report) {
  Chart chart;
  chart.title = report.engine + ", " + report.date + ", boot " + report.boot;
  std::int64_t origin = report.stages.empty() ? 0 : report.stages.front().started_microseconds;
  for (const auto& stage : report.stages) {
    origin = std::min(origin, stage.started_microseconds);
  }
  for (const auto& stage : report.stages) {
    add_stage(chart, stage, origin);
  }
  return chart;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

// At most so many characters; what is left out is in the middle, for paths differ at their ends.
std::string shortened(const std::string& text, std::size_t most) {
  const std::size_t count = characters(text);
  if (count <= most) {
    return text;
  }
  const std::size_t head = most / 2;
  const std::size_t tail_from = count - (most - head - 1);
  std::string kept;
  std::size_t at = 0;
  for (std::size_t i = 0; i < text.size(); ++at) {
    const std::size_t size = std::max<std::size_t>(utf8_sequence_length(std::string_view(text).substr(i)), 1);
    if (at < head || at >= tail_from) {
      kept += text.substr(i, size);
    } else if (at == head) {
      kept += "…";
    }
    i += size;
  }
  return kept;
}

// --- As text

std::string text_of(const Chart& chart) {
  constexpr std::size_t label_width = 46;
  constexpr std::int64_t columns = 40;
  std::string text = printable(chart.title) + "\n\n";
  for (const auto& bar : chart.bars) {
    const std::string label = shortened((bar.is_stage ? "" : "  ") + printable(bar.label), label_width);
    const auto from = static_cast<std::size_t>(bar.begin * columns / chart.length);
    const auto wide = static_cast<std::size_t>(std::max<std::int64_t>(bar.length * columns / chart.length, 1));
    text += label + std::string(label_width - characters(label), ' ') + " |" + std::string(from, ' ') +
            std::string(wide, bar.is_stage ? '=' : '#') + " " + seconds_text(bar.length) + " s\n";
  }
  return text;
}

// --- As SVG. All letters of the font have one width, so that it is known what a text takes.

constexpr double letter_width = 7.25;
constexpr std::size_t label_letters = 58;
constexpr double chart_left = 16 + letter_width * static_cast<double>(label_letters) + 16;
constexpr double chart_width = 560;
constexpr double time_width = letter_width * 12;
constexpr double whole_width = chart_left + chart_width + time_width;
constexpr double row_height = 22;
constexpr double top = 76;

// XML 1.0 allows no control characters; printable() has made them visible.
std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : printable(text)) {
    switch (c) {
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '&':
        safe += "&amp;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string_view class_of(const Bar& bar) {
  if (bar.outcome == "failed") {
    return "failed";
  }
  return bar.is_stage ? "stage" : "step";
}

// 1, 2 or 5 times a power of ten, so that about eight fit.
double tick_of(double seconds) {
  const double power = std::pow(10, std::floor(std::log10(seconds / 8)));
  const double units = seconds / 8 / power;
  return power * (units <= 1 ? 1 : units <= 2 ? 2 : units <= 5 ? 5 : 10);
}

std::string axis(const Chart& chart, double bottom) {
  const double seconds = static_cast<double>(chart.length) / 1e6;
  const double tick = tick_of(seconds);
  std::string text;
  for (int i = 0; i * tick <= seconds; ++i) {
    const double x = chart_left + chart_width * i * tick / seconds;
    text +=
        fmt::format("<line class=\"grid\" x1=\"{0:.1f}\" y1=\"{1}\" x2=\"{0:.1f}\" y2=\"{2}\"/>\n", x, top - 6, bottom);
    text += fmt::format("<text class=\"tick\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:.6g} s</text>\n", x,
                        top - 12, i * tick);
  }
  return text;
}

std::string row_of(const Chart& chart, const Bar& bar, double y) {
  const double scale = chart_width / static_cast<double>(chart.length);
  const double x = chart_left + static_cast<double>(bar.begin) * scale;
  const double width = std::max(static_cast<double>(bar.length) * scale, 1.5);
  const std::size_t indent = bar.is_stage ? 0 : 2;
  const std::string label = shortened(printable(bar.label), label_letters - indent);
  std::string text = "<g><title>" + escaped(bar.label) + "</title>\n";
  text += fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{}\">{}</text>\n", bar.is_stage ? "name" : "label",
                      16 + letter_width * static_cast<double>(indent), y + 15, escaped(label));
  text += fmt::format("<rect class=\"{}\" x=\"{:.1f}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\" rx=\"2\"/>\n",
                      class_of(bar), x, y + 4, width, row_height - 8);
  text += fmt::format("<text class=\"time\" x=\"{:.1f}\" y=\"{}\">{} s</text></g>\n", x + width + 5, y + 15,
                      seconds_text(bar.length));
  return text;
}

std::string svg_of(const Chart& chart) {
  const double bottom = top + row_height * static_cast<double>(chart.bars.size());
  std::string text = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "font-family=\"DejaVu Sans Mono, Liberation Mono, Menlo, Consolas, monospace\" font-size=\"12\">\n",
      whole_width, bottom + 16);
  text +=
      "<style>.name{font-weight:bold}.stage{fill:#9db4c8}.step{fill:#2f6f9f}.failed{fill:#c0392b}"
      ".grid{stroke:#dddddd}.tick,.time{fill:#555555;font-size:11px}</style>\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
  const auto title_letters = static_cast<std::size_t>((whole_width - 32) / letter_width);
  text += "<text class=\"name\" x=\"16\" y=\"28\">" + escaped(shortened(printable(chart.title), title_letters)) +
          "</text>\n" + axis(chart, bottom);
  double y = top;
  for (const auto& bar : chart.bars) {
    text += row_of(chart, bar, y);
    y += row_height;
  }
  return text + "</svg>\n";
}

int run_timeline_command(const TimelineOptions& options) {
  const auto status = status_of(options.root);
  if (!status) {
    return complain(status.error(), nullptr);
  }
  if (!status->report) {
    return complain(Error(Code::usage, "there is no report of a first boot on this machine"), nullptr);
  }
  const Chart chart = chart_of(*status->report);
  print(options.svg ? svg_of(chart) : text_of(chart));
  return 0;
}

}  // namespace

Command add_timeline(ArgumentParser& program) {
  ArgumentParser parser = program.add_subcommand("timeline", "Show the stages and steps of the first boot over time");
  auto options = std::make_shared<TimelineOptions>();
  add_machine_option(parser, options->root);
  parser.add_flag("--svg", options->svg, "As a picture: SVG, on standard output");
  parser.footer("\nExit status: 0, or 1 an error, 2 wrong usage, or there is no report.");
  return {parser, [options] { return run_timeline_command(*options); }};
}

}  // namespace provision::cli
