// What all pages are made of: the document around them, tables, settings, commands.
//
// The document loads nothing from anywhere and says so to the browser; style and script are inside.
// Called by the pages of this folder.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/html.h"
#include "report/metric_info.h"

namespace numeral {

// `title` is plain text, `body` HTML.
std::string Document(const std::string& title, const std::string& body);

// A cell with the metric as people read it and, in data-value, as the file has it; a dash where
// there is none.
std::string NumberCell(const MetricInfo& info, std::optional<double> value, bool best = false);
std::string TextCell(const std::string& text);
std::string CountCell(int64_t count);

struct Column {
  std::string name;  // plain text
  bool numbers = false;
};
// Rows are their cells joined.
std::string Table(const std::vector<Column>& columns, const std::vector<std::string>& rows);

// Names and values, both plain text; pairs without a value are left out.
using Settings = std::vector<std::pair<std::string, std::string>>;
std::string SettingsList(const Settings& settings);

// A line for a shell, with a button that copies it.
std::string Command(const std::string& line);

// `content` is HTML, folded away under `summary` (plain text) and a softer remark.
std::string Folded(const std::string& summary, const std::string& remark,
                   const std::string& content);

// A picture inside the page; `style_class` may be empty, `caption` too.
std::string Picture(const std::string& style_class, const std::string& uri, const std::string& alt,
                    const std::string& caption = "");

}  // namespace numeral
