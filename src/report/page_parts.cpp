#include "report/page_parts.h"

#include <fmt/format.h>

#include <cmath>

#include "util/progress.h"

namespace numeral {
namespace {

constexpr const char* kStyle =
#include "src/report/page.css.inc"
    ;
constexpr const char* kScript =
#include "src/report/page.js.inc"
    ;
constexpr const char* kPolicy =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

}  // namespace

std::string Document(const std::string& title, const std::string& body) {
  return fmt::format(R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{}">
<title>{}</title>
<link rel="icon" href="data:,">
<style>
{}</style>
</head>
<body>
<main>
{}</main>
<script>
{}</script>
</body>
</html>
)",
                     kPolicy, Escaped(title), kStyle, body, kScript);
}

std::string NumberCell(const MetricInfo& info, std::optional<double> value, bool best) {
  if (!value || !std::isfinite(*value)) return "<td class=\"number soft\">–</td>";
  return fmt::format("<td class=\"number{}\" data-value=\"{}\">{}</td>", best ? " best" : "",
                     Json(*value).dump(), Escaped(FormatMetric(info, *value)));
}

std::string TextCell(const std::string& text) { return fmt::format("<td>{}</td>", Escaped(text)); }

std::string CountCell(int64_t count) {
  return fmt::format("<td class=\"number\" data-value=\"{}\">{}</td>", count, FormatCount(count));
}

std::string Table(const std::vector<Column>& columns, const std::vector<std::string>& rows) {
  std::string html = "<div class=\"scroll\"><table>\n<thead><tr>";
  for (const auto& [name, numbers] : columns) {
    html += fmt::format("<th scope=\"col\"{}>{}</th>", numbers ? " class=\"number\"" : "",
                        Escaped(name));
  }
  html += "</tr></thead>\n<tbody>\n";
  for (const std::string& row : rows) html += "<tr>" + row + "</tr>\n";
  return html + "</tbody>\n</table></div>\n";
}

std::string SettingsList(const Settings& settings) {
  std::string html;
  for (const auto& [name, value] : settings) {
    if (value.empty()) continue;
    html += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", Escaped(name), Escaped(value));
  }
  return html.empty() ? "" : "<dl class=\"settings\">\n" + html + "</dl>\n";
}

std::string Command(const std::string& line) {
  return fmt::format(
      "<div class=\"command\"><pre tabindex=\"0\">{}</pre>"
      "<button class=\"plain copy\" type=\"button\">Copy</button></div>\n",
      Escaped(line));
}

std::string Folded(const std::string& summary, const std::string& remark,
                   const std::string& content) {
  return fmt::format(
      "<details><summary>{} <span class=\"soft\">{}</span></summary>\n{}</details>\n",
      Escaped(summary), Escaped(remark), content);
}

std::string Picture(const std::string& style_class, const std::string& uri, const std::string& alt,
                    const std::string& caption) {
  return fmt::format("<figure{}><img alt=\"{}\" src=\"{}\">{}</figure>\n",
                     style_class.empty() ? "" : fmt::format(" class=\"{}\"", style_class),
                     Escaped(alt), uri,
                     caption.empty() ? "" : "<figcaption>" + Escaped(caption) + "</figcaption>");
}

}  // namespace numeral
