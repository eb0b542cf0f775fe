/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "cli/usage.hh"

#include <sstream>
#include <vector>

namespace fi_pmem
{

namespace
{

using Names = std::vector<std::string>;

bool is_option(const std::string &word)
{
	return word.size() > 1 && word[0] == '-';
}

bool is_positional(const CLI::Option *option)
{
	return option->get_positional();
}

std::string joined(const Names &names)
{
	return CLI::detail::join(names, ", ");
}

Names option_names(const CLI::App &command)
{
	Names names;
	for (const CLI::Option *one : command.get_options())
		if (!is_positional(one))
			names.push_back(one->get_name());
	return names;
}

Names subcommand_names(const CLI::App &command)
{
	Names names;
	for (const CLI::App *one : command.get_subcommands(nullptr))
		names.push_back(one->get_name());
	return names;
}

/* fi_pmem put LOCAL PEER */
std::string synopsis(const CLI::App &command)
{
	std::string text = "fi_pmem " + command_name(command);
	for (const CLI::Option *one : command.get_options(is_positional)) {
		bool several = one->get_expected_max() > 1;
		std::string name = one->get_name() + (several ? "..." : "");
		text += " " + (one->get_required() ? name : "[" + name + "]");
	}
	return text;
}

std::string unexpected(const CLI::App &command, const std::string &word)
{
	bool has_commands = !subcommand_names(command).empty();
	if (is_option(word) && !has_commands)
		return "there is no option " + word + "; there are " +
		       joined(option_names(command));
	if (is_option(word))
		return "there is no option " + word +
		       " before a command; commands are " +
		       joined(subcommand_names(command));
	if (has_commands)
		return "there is no command '" + word + "'; there are " +
		       joined(subcommand_names(command));
	return "'" + word + "' is one argument too many: " + synopsis(command);
}

std::string missing(const CLI::App &command)
{
	for (const CLI::Option *one : command.get_options())
		if (one->get_required() && !one->count())
			return one->get_name() +
			       " is missing: " + synopsis(command);
	return "a command is missing; there are " +
	       joined(subcommand_names(command));
}

std::string excluding(const CLI::App &command)
{
	for (const CLI::Option *one : command.get_options())
		for (const CLI::Option *other : one->get_excludes())
			if (one->count() && other->count())
				return one->get_name() + " and " +
				       other->get_name() +
				       " exclude each other";
	return "";
}

/* A mistyped word explains anything else that is missing. */
std::string leftover(const CLI::App &command)
{
	Names left = command.remaining();
	for (const std::string &word : left)
		if (is_option(word))
			return unexpected(command, word);
	return left.empty() ? "" : unexpected(command, left.front());
}

/* Only the beginning of CLI11's text says which option it is. */
std::string without_value(const CLI::App &command, const std::string &text)
{
	for (const CLI::Option *one : command.get_options()) {
		std::string name = one->get_name();
		size_t end = name.size();
		if (text.compare(0, end, name) ||
		    (text.size() > end && text[end] != ':' && text[end] != ' '))
			continue;
		return name + " needs a value: " + name + " " +
		       one->get_option_text();
	}
	return "";
}

/* --json=maybe */
std::string flag_with_value(const CLI::App &command)
{
	for (const CLI::Option *one : command.get_options())
		for (const std::string &value : one->results())
			if (!one->get_expected_max() && value != "true")
				return one->get_name() +
				       " takes no value, not '" + value + "'";
	return "";
}

/* Returns `text` with line breaks, and `indent` spaces after each. */
std::string wrapped(const std::string &text, size_t indent)
{
	constexpr size_t kColumns = 79;
	std::istringstream words(text);
	std::string lines;
	std::string word;
	size_t column = indent;
	while (words >> word) {
		bool first = lines.empty();
		if (!first && column + 1 + word.size() > kColumns) {
			lines += "\n" + std::string(indent, ' ');
			column = indent;
			first = true;
		}
		lines += (first ? "" : " ") + word;
		column += word.size() + !first;
	}
	return lines;
}

std::string entry(const std::string &name, const std::string &text)
{
	constexpr size_t kIndent = 26;
	std::string line = "  " + name;
	if (line.size() + 2 > kIndent)
		line += "\n" + std::string(kIndent, ' ');
	else
		line.resize(kIndent, ' ');
	return line + wrapped(text, kIndent) + "\n";
}

} // namespace

const CLI::App &parsed_command(const CLI::App &app)
{
	auto chosen = app.get_subcommands();
	return chosen.empty() ? app : parsed_command(*chosen.back());
}

const CLI::App &blamed_command(const CLI::App &app)
{
	auto chosen = app.get_subcommands();
	bool here = chosen.empty() || !app.remaining().empty();
	return here ? app : blamed_command(*chosen.back());
}

std::string command_name(const CLI::App &command)
{
	const CLI::App *parent = command.get_parent();
	if (!parent)
		return "";
	std::string first = command_name(*parent);
	return first + (first.empty() ? "" : " ") + command.get_name();
}

std::string usage_problem(const CLI::App &command, const CLI::ParseError &error)
{
	std::string left = leftover(command);
	if (!left.empty())
		return left;
	std::string text = error.what();
	std::string problem;
	std::string kind = error.get_name();
	if (kind == "RequiredError")
		problem = missing(command);
	else if (kind == "ExcludesError")
		problem = excluding(command);
	else if (kind == "ArgumentMismatch")
		problem = without_value(command, text);
	else if (kind == "ConversionError")
		problem = flag_with_value(command);
	return problem.empty() ? text : problem;
}

std::string HelpText::make_option(const CLI::Option *option,
				  bool positional) const
{
	const std::string &value = option->get_option_text();
	return entry(make_option_name(option, positional) +
			     (value.empty() ? "" : " " + value),
		     option->get_description());
}

std::string HelpText::make_subcommand(const CLI::App *command) const
{
	return entry(command->get_name(), command->get_description());
}

} // namespace fi_pmem
