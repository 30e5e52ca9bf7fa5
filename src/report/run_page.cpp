#include "report/run_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/evaluation_part.h"
#include "report/page_parts.h"
#include "util/progress.h"

namespace numeral {
namespace {

constexpr size_t kMostRows = 1000;  // of the table of epochs

const char* const kSvg = "image/svg+xml";

std::string Joined(const std::vector<Graph>& networks) {
  std::string text;
  for (size_t i = 0; i < networks.size(); ++i) {
    text += (i == 0 ? "" : i + 1 < networks.size() ? ", " : " and ") + networks[i].name;
  }
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

// A value of a config as people write it.
std::string Readable(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return value.dump();
  std::string text;
  for (const Json& each : value) text += (text.empty() ? "" : ", ") + Readable(each);
  return text;
}

// ---- head ---------------------------------------------------------------------------------------

std::string Tile(const std::string& name, const std::string& value, const std::string& rest = "") {
  return fmt::format("<div><dt>{}</dt><dd>{}{}</dd></div>\n", Escaped(name), Escaped(value),
                     rest.empty() ? "" : " <small>" + Escaped(rest) + "</small>");
}

std::string MetricTile(const std::string& key, std::optional<double> value,
                       const std::string& when = "") {
  return value ? Tile(InfoOf(key).label + when, FormatMetric(InfoOf(key), *value)) : "";
}

// The evaluation's figure where there is one, else the training's last.
std::string QualityTile(const RunRecord& run, const std::string& key, const std::string& pointer) {
  const auto evaluated = NumberAt(run.evaluation, pointer);
  return evaluated ? MetricTile(key, evaluated) : MetricTile(key, run.Last(key), ", in training");
}

std::string Tiles(const RunRecord& run) {
  std::string html;
  if (!run.epochs.empty()) {
    html += Tile("epochs", FormatCount(run.epochs.back().epoch),
                 "of " + FormatCount(run.config.training.epochs));
    if (const auto seconds = run.Last("seconds"))
      html += Tile("training", FormatDuration(*seconds));
    html += MetricTile("images_per_second", run.Last("images_per_second"));
  }
  int64_t parameters = 0;
  for (const Graph& network : run.networks) parameters += network.TotalElems();
  html += Tile("parameters", FormatCount(parameters));
  html += MetricTile("test_accuracy", run.Last("test_accuracy"));
  html += QualityTile(run, "s1", "/s1/error_rate");
  html += QualityTile(run, "fid_c", "/fid_c");
  html += QualityTile(run, "coverage", "/coverage");
  html += MetricTile("cas", NumberAt(run.evaluation, "/cas"));
  return "<dl class=\"tiles\">\n" + html + "</dl>\n";
}

std::string Head(const RunRecord& run) {
  const std::string state = run.epochs.empty() ? ", before its first epoch's end"
                            : run.Finished()   ? ""
                                               : ", stopped before its last epoch's end";
  std::string html = Element("h1", "", Escaped(run.config.name));
  html += Element("p", "kind",
                  Escaped(fmt::format("{} on {}; folder {}{}", Joined(run.networks),
                                      run.config.data.dataset, run.label, state)));
  if (!run.config.description.empty()) html += Element("p", "", Escaped(run.config.description));
  return "<header>\n" + html + Tiles(run) + "</header>\n";
}

// ---- samples and curves -------------------------------------------------------------------------

std::string Viewer(const std::vector<EmbeddedSample>& samples) {
  if (samples.empty()) return "";
  Json data = Json::array();
  for (const EmbeddedSample& sample : samples) {
    data.push_back({{"epoch", sample.epoch}, {"png", Base64(sample.png)}});
  }
  const EmbeddedSample& last = samples.back();
  const bool several = samples.size() > 1;
  const std::string controls = fmt::format(
      R"(<div class="controls"><button class="plain" id="play" type="button">Play</button>
<input id="epoch" type="range" min="0" max="{0}" step="1" value="{0}" aria-label="epoch" aria-valuetext="epoch {1}">
<output id="epoch-label">epoch {1}</output></div>
)",
      samples.size() - 1, last.epoch);
  const std::string script = fmt::format(
      "<script type=\"application/json\" id=\"sample-data\">{}</script>\n", ScriptJson(data));
  return fmt::format(
      "<section>\n<h2>Samples</h2>\n<figure class=\"viewer\">"
      "<img id=\"sample\" alt=\"epoch {}\" src=\"{}\">\n{}</figure>\n{}</section>\n",
      last.epoch, DataUri("image/png", last.png), several ? controls : "", several ? script : "");
}

std::string Curves(const std::string& svg) {
  if (svg.empty()) return "";
  return "<section>\n<h2>Curves</h2>\n" +
         Picture("curves", DataUri(kSvg, svg), "losses and metrics over the epochs") +
         "</section>\n";
}

// ---- figures of the training --------------------------------------------------------------------

struct BestValue {
  double value = 0;
  int64_t epoch = 0;
};
std::optional<BestValue> Best(const RunRecord& run, const MetricInfo& info) {
  std::optional<BestValue> best;
  if (info.better == Better::kUnordered) return best;
  for (const EpochRecord& epoch : run.epochs) {
    const auto value = epoch.Value(info.key);
    if (value && (!best || IsBetter(info, *value, best->value))) best = {*value, epoch.epoch};
  }
  return best;
}

std::string SummaryTable(const RunRecord& run) {
  const std::vector<std::string> keys = run.MeasuredKeys();
  if (keys.empty()) return "";
  const bool ordered = std::any_of(keys.begin(), keys.end(), [](const std::string& key) {
    return InfoOf(key).better != Better::kUnordered;
  });
  std::vector<Column> columns{{"metric"}, {"last", true}};
  if (ordered) columns.insert(columns.end(), {{"best", true}, {"epoch", true}, {"better"}});
  std::vector<std::string> rows;
  for (const std::string& key : keys) {
    const MetricInfo info = InfoOf(key);
    const auto best = Best(run, info);
    std::string row = TextCell(info.label) + NumberCell(info, run.Last(key));
    if (best) {
      row += NumberCell(info, best->value) + CountCell(best->epoch) + TextCell(NameOf(info.better));
    } else if (ordered) {
      row += "<td></td><td></td><td></td>";
    }
    rows.push_back(row);
  }
  return "<section id=\"summary\">\n<h2>In training</h2>\n" + Table(columns, rows) + "</section>\n";
}

std::string EpochTable(const RunRecord& run) {
  const std::vector<std::string> keys = run.MeasuredKeys();
  if (run.epochs.empty()) return "";
  std::vector<Column> columns{{"epoch", true}, {"step", true}, {"seconds", true}};
  for (const std::string& key : keys) columns.push_back({InfoOf(key).label, true});
  const MetricInfo seconds{.key = "seconds", .label = "seconds", .digits = 1};
  std::vector<std::string> rows;
  for (size_t i = run.epochs.size() - std::min(run.epochs.size(), kMostRows); i < run.epochs.size();
       ++i) {
    const EpochRecord& epoch = run.epochs[i];
    std::string row = CountCell(epoch.epoch) + CountCell(epoch.step) +
                      NumberCell(seconds, epoch.Value("seconds"));
    for (const std::string& key : keys) row += NumberCell(InfoOf(key), epoch.Value(key));
    rows.push_back(row);
  }
  const std::string remark =
      rows.size() < run.epochs.size() ? fmt::format("the last {}", kMostRows) : "";
  return "<section id=\"epochs\">\n" +
         Folded(fmt::format("{} epochs", FormatCount(static_cast<int64_t>(run.epochs.size()))),
                remark, Table(columns, rows)) +
         "</section>\n";
}

// ---- config -------------------------------------------------------------------------------------

Settings KeySettings(const Json& config) {
  // The optimizers are named by their networks.
  std::vector<std::pair<std::string, std::string>> places = {
      {"data", "/data/dataset"},
      {"split", "/data/split"},
      {"digits", "/data/digits"},
      {"batch", "/training/batch_size"},
      {"order", "/training/order"},
      {"loss", "/training/loss/type"},
      {"average of weights", "/training/ema"},
      {"seed", "/seed"},
      {"conventions", "/convention"},
      {"precision", "/precision"}};
  const Json::json_pointer optimizers("/training/optimizers");
  if (config.contains(optimizers)) {
    for (const auto& [name, optimizer] : config.at(optimizers).items()) {
      places.emplace_back("rate of " + name, "/training/optimizers/" + name + "/learning_rate");
    }
  }
  Settings settings;
  for (const auto& [name, place] : places) {
    const Json::json_pointer pointer(place);
    if (config.contains(pointer)) settings.emplace_back(name, Readable(config.at(pointer)));
  }
  return settings;
}

std::string NetworkTable(const Graph& network) {
  std::vector<std::string> rows;
  for (const Node& node : network.nodes) {
    int64_t elems = 0;
    for (const int param : node.params) elems += network.params[static_cast<size_t>(param)].elems();
    rows.push_back(TextCell(node.name) + TextCell(node.type) +
                   fmt::format("<td class=\"number\">{}</td>", ToString(node.shape)) +
                   (elems == 0 ? "<td></td>" : CountCell(elems)));
  }
  return Table({{"layer"}, {"kind"}, {"output", true}, {"parameters", true}}, rows);
}

std::string ConfigPart(const RunRecord& run) {
  const Json config = ToJson(run.config);
  std::string html =
      "<section id=\"config\">\n<h2>Config</h2>\n" + SettingsList(KeySettings(config));
  for (const Graph& network : run.networks) {
    html +=
        Folded(network.name,
               fmt::format("{} parameters, {} of them trainable", FormatCount(network.TotalElems()),
                           FormatCount(network.TrainableElems())),
               NetworkTable(network));
  }
  html +=
      Folded("config.json", "every setting",
             "<pre tabindex=\"0\">" +
                 Escaped(config.dump(2, ' ', false, Json::error_handler_t::replace)) + "</pre>\n");
  return html + "</section>\n";
}

// ---- machine ------------------------------------------------------------------------------------

Settings MachineSettings(const RunRecord& run) {
  const Json& facts = run.facts;
  const auto cores = NumberAt(facts, "/machine/cores");
  const std::string processor = TextAt(facts, "/machine/processor");
  Settings settings{
      {"processor", cores ? fmt::format("{}, {:g} cores", processor, *cores) : processor},
      {"engine", TextAt(facts, "/engine")},
      {"Numeral", TextAt(facts, "/numeral")},
      {"compiler", TextAt(facts, "/compiler")},
      {"started", TextAt(facts, "/started")}};
  const Json::json_pointer resumed("/resumed");
  if (facts.is_object() && facts.contains(resumed) && facts.at(resumed).is_array()) {
    for (const Json& entry : facts.at(resumed)) {
      const auto step = NumberAt(entry, "/step");
      settings.emplace_back("resumed",
                            fmt::format("{}{}", TextAt(entry, "/at"),
                                        step ? fmt::format(" at step {:g}", *step) : ""));
    }
  }
  return settings;
}

Settings Timings(const RunRecord& run) {
  if (run.epochs.empty()) return {};
  const auto seconds = run.Last("seconds");
  const auto rate = run.Last("images_per_second");
  Settings settings{{"steps", FormatCount(run.epochs.back().step)}};
  if (seconds) {
    settings.emplace_back("training", fmt::format("{:.2f} s", *seconds));
    settings.emplace_back(
        "an epoch",
        fmt::format("{:.3g} s on average",
                    *seconds / static_cast<double>(std::max<int64_t>(1, run.epochs.back().epoch))));
  }
  if (rate) settings.emplace_back("last epoch", FormatCount(std::llround(*rate)) + " images/s");
  return settings;
}

Settings AboutRun(const RunRecord& run) {
  Settings settings = Timings(run);
  const Settings machine = MachineSettings(run);
  settings.insert(settings.end(), machine.begin(), machine.end());
  return settings;
}

std::string RunPart(const RunRecord& run) {
  std::string html = "<section id=\"run\">\n<h2>Run</h2>\n" + SettingsList(AboutRun(run));
  const std::string command = TextAt(run.facts, "/command");
  if (!command.empty()) html += Element("h3", "", "It was begun by") + Command(command);
  html += Element("h3", "", "The same weights again") + Command(run.RepeatCommand());
  return html + "</section>\n";
}

}  // namespace

std::string RunPage(const RunRecord& run, const PagePictures& pictures) {
  std::string body = Head(run);
  const std::string viewer = Viewer(pictures.samples), summary = SummaryTable(run);
  body += viewer.empty() ? summary : "<div class=\"columns\">\n" + viewer + summary + "</div>\n";
  body += Curves(pictures.curves_svg);
  body += EpochTable(run);
  body += EvaluationPart(run.evaluation, pictures.confusion_png, pictures.mistakes_png);
  body += ConfigPart(run) + RunPart(run);
  return Document(run.config.name, body);
}

}  // namespace numeral
