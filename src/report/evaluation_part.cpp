#include "report/evaluation_part.h"

#include <fmt/format.h>

#include <cmath>

#include "report/page_parts.h"
#include "report/run_record.h"
#include "util/progress.h"

namespace numeral {
namespace {

const MetricInfo kRate{.key = "", .label = "", .digits = 2, .percent = true};

std::string Count(const Json& evaluation, const std::string& pointer) {
  const auto count = NumberAt(evaluation, pointer);
  return count ? CountCell(std::llround(*count)) : "<td></td>";
}

// Who read which images, and how many of them wrongly.
void AddErrors(const Json& evaluation, const std::string& place, const std::string& name,
               const std::string& reader, std::vector<std::string>& rows) {
  const auto rate = NumberAt(evaluation, place + "/error_rate");
  if (!rate) return;
  const auto low = NumberAt(evaluation, place + "/interval_95/0");
  const auto high = NumberAt(evaluation, place + "/interval_95/1");
  const std::string interval =
      low && high ? fmt::format("{:.2f} to {:.2f}%", 100 * *low, 100 * *high) : "";
  rows.push_back(TextCell(name) + TextCell(reader) + Count(evaluation, place + "/errors") +
                 Count(evaluation, place + "/samples") + NumberCell(kRate, rate) +
                 fmt::format("<td class=\"number\">{}</td>", Escaped(interval)));
}

std::string ErrorTable(const Json& evaluation) {
  const std::string classifier = TextAt(evaluation, "/classifier");
  const std::string judge = TextAt(evaluation, "/judge");
  std::vector<std::string> rows;
  AddErrors(evaluation, "/s0", "S0, real images", classifier, rows);
  AddErrors(evaluation, "/s0/by_judge", "S0, real images", judge, rows);
  AddErrors(evaluation, "/s1", "S1, generated images", classifier, rows);
  AddErrors(evaluation, "/s1/by_judge", "S1, generated images", judge, rows);
  AddErrors(evaluation, "/disagreement", "disagreement, generated images", classifier, rows);
  AddErrors(evaluation, "/disagreement/by_judge", "disagreement, generated images", judge, rows);
  return Table({{"errors"},
                {"read by"},
                {"wrong", true},
                {"of", true},
                {"share", true},
                {"95% interval", true}},
               rows);
}

// Like the table of `evaluate`: beside each figure what real training images get.
std::string FigureTable(const Json& evaluation) {
  std::vector<std::string> rows;
  const auto add = [&](const MetricInfo& info, const std::string& pointer,
                       const std::string& better) {
    const auto generated = NumberAt(evaluation, pointer);
    if (!generated) return;
    rows.push_back(TextCell(info.label) + NumberCell(info, generated) +
                   NumberCell(info, NumberAt(evaluation, "/real_training_images" + pointer)) +
                   TextCell(better));
  };
  const auto better = [](const std::string& key, const MetricInfo& info) -> std::string {
    if (key == "variance_ratio") return "near 1";
    return info.better == Better::kUnordered ? "like real" : NameOf(info.better);
  };
  for (const auto& [key, pointer] : EvaluatedMetrics()) {
    if (key != "s1") add(InfoOf(key), pointer, better(key, InfoOf(key)));
  }
  add({.key = "", .label = "nearest training image", .digits = 2}, "/nearest_training_image/mean",
      "not less");
  add({.key = "", .label = "the least of them", .digits = 2}, "/nearest_training_image/least",
      "not less");
  return Table({{"metric"}, {"generated", true}, {"real", true}, {"better"}}, rows);
}

std::string Source(const Json& evaluation) {
  std::string text;
  if (const auto compared = NumberAt(evaluation, "/compared_images")) {
    text = fmt::format("{} images of {}", FormatCount(std::llround(*compared)),
                       TextAt(evaluation, "/generator"));
  }
  if (const auto scale = NumberAt(evaluation, "/latent_scale")) {
    text += fmt::format(", latents times {:g}", *scale);
  }
  const std::string real = TextAt(evaluation, "/real");
  return text.empty() || real.empty() ? text : text + ", against " + real;
}

}  // namespace

const std::vector<EvaluatedMetric>& EvaluatedMetrics() {
  static const std::vector<EvaluatedMetric> metrics = {{"s1", "/s1/error_rate"},
                                                       {"fid_c", "/fid_c"},
                                                       {"rfid", "/rfid"},
                                                       {"precision", "/precision"},
                                                       {"recall", "/recall"},
                                                       {"density", "/density"},
                                                       {"coverage", "/coverage"},
                                                       {"cas", "/cas"},
                                                       {"variance_ratio", "/variance_ratio"},
                                                       {"kl", "/kl"},
                                                       {"confidence", "/confidence"},
                                                       {"unsure_share", "/unsure_share"}};
  return metrics;
}

std::string EvaluationPart(const Json& evaluation, const std::string& confusion_png,
                           const std::string& mistakes_png) {
  if (!evaluation.is_object()) return "";
  std::string figures = "<div>\n" + FigureTable(evaluation) + "</div>\n";
  if (!confusion_png.empty()) {
    figures += Picture("", DataUri("image/png", confusion_png), "confusion map",
                       "Rows: the digit that was wanted. Columns: the digit that was read.");
  }
  std::string html = "<section id=\"evaluation\">\n<h2>Evaluation</h2>\n" +
                     Element("p", "soft", Escaped(Source(evaluation))) + ErrorTable(evaluation) +
                     "<div class=\"columns\">\n" + figures + "</div>\n";
  if (!mistakes_png.empty()) {
    html += Picture("mistakes", DataUri("image/png", mistakes_png), "digits read wrongly",
                    "The digits that were read wrongly: wanted > read.");
  }
  return html + "</section>\n";
}

}  // namespace numeral
