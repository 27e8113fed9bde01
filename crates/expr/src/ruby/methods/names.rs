//! The names of all methods, by kind of receiver: what compilation knows and `respond_to?` says.
//!
//! A test calls every name on a value of its kind, so that no list promises what nobody answers.

use super::super::value::Value;

#[rustfmt::skip]
const STRING: &[&str] = &[
    "%", "*", "+", "+@", "-@", "<", "<<", "<=", "=~", ">", ">=", "[]", "[]=", "ascii_only?",
    "between?", "bytes", "bytesize", "byteslice", "capitalize", "capitalize!", "casecmp",
    "casecmp?", "center", "chars", "chomp", "chomp!", "chop", "chop!", "clear", "clone",
    "codepoints", "concat", "count", "delete", "delete!", "delete_prefix", "delete_prefix!",
    "delete_suffix", "delete_suffix!", "downcase", "downcase!", "dup", "each_byte", "each_char",
    "each_line", "empty?", "encode", "encode!", "encoding", "end_with?", "force_encoding",
    "force_encoding!", "gsub", "gsub!", "hex", "id2name", "include?", "index", "insert", "intern",
    "length", "lines", "ljust", "lstrip", "lstrip!", "match", "match?", "name", "next", "next!",
    "oct", "ord", "partition", "prepend", "replace", "reverse", "reverse!", "rindex", "rjust",
    "rpartition", "rstrip", "rstrip!", "scan", "scrub", "scrub!", "size", "slice", "split",
    "squeeze", "squeeze!", "start_with?", "strip", "strip!", "sub", "sub!", "succ", "succ!",
    "sum", "swapcase", "swapcase!", "to_f", "to_i", "to_proc", "to_r", "to_s", "to_str", "to_sym",
    "tr", "tr!", "upcase", "upcase!", "upto", "valid_encoding?",
];

#[rustfmt::skip]
const NUMBER: &[&str] = &[
    "%", "&", "*", "**", "+", "+@", "-", "-@", "/", "<", "<<", "<=", ">", ">=", ">>", "[]", "^",
    "abs", "between?", "bit_length", "ceil", "chr", "clamp", "coerce", "denominator", "digits",
    "div", "divmod", "downto", "even?", "fdiv", "finite?", "floor", "gcd", "infinite?", "inspect",
    "integer?", "lcm", "magnitude", "modulo", "nan?", "negative?", "next", "nonzero?",
    "numerator", "odd?", "ord", "positive?", "pow", "pred", "quo", "rationalize", "remainder",
    "round", "size", "step", "succ", "times", "to_f", "to_i", "to_int", "to_r", "to_s",
    "truncate", "upto", "zero?", "|", "~",
];

#[rustfmt::skip]
const ARRAY: &[&str] = &[
    "%", "&", "*", "+", "-", "<<", "==", "===", "[]", "[]=", "append", "assoc", "at", "begin",
    "clear", "clone", "collect!", "combination", "compact", "compact!", "concat", "count",
    "cover?", "delete", "delete_at", "delete_if", "detect", "difference", "dig", "dup", "each",
    "each_with_index", "empty?", "end", "entries", "exclude_end?", "fetch", "fill", "filter!",
    "find", "find_index", "first", "flatten", "flatten!", "include?", "index", "insert",
    "intersect?", "intersection", "join", "keep_if", "last", "lazy", "length", "map!", "max",
    "member?", "min", "permutation", "pop", "prepend", "product", "push", "reject!", "replace",
    "reverse", "reverse!", "rindex", "rotate", "rotate!", "sample", "select!", "shift",
    "shuffle!", "size", "slice", "slice!", "sort!", "sort_by!", "step", "sum", "take", "to_a",
    "to_ary", "transpose", "union", "uniq!", "unshift", "values_at", "|",
];

#[rustfmt::skip]
const ENUMERABLE: &[&str] = &[
    "all?", "any?", "chunk_while", "collect", "collect_concat", "compact", "count", "cycle",
    "detect", "drop", "drop_while", "each", "each_cons", "each_entry", "each_index", "each_slice",
    "each_with_index", "each_with_object", "empty?", "entries", "filter", "filter_map", "find",
    "find_all", "find_index", "first", "flat_map", "flatten", "force", "grep", "grep_v",
    "group_by", "include?", "index", "inject", "join", "last", "lazy", "length", "map", "max",
    "max_by", "member?", "min", "min_by", "minmax", "none?", "one?", "partition", "reduce",
    "reject", "reverse", "reverse_each", "select", "shuffle", "size", "slice_when", "sort",
    "sort_by", "sum", "take", "take_while", "tally", "to_a", "to_h", "uniq", "values_at",
    "with_index", "zip",
];

#[rustfmt::skip]
const HASH: &[&str] = &[
    "<", "<=", ">", ">=", "[]", "[]=", "any?", "assoc", "clear", "clone", "compact", "compact!",
    "compare_by_identity", "count", "default", "default=", "delete", "delete_if", "dig", "dup",
    "each", "each_key", "each_pair", "each_value", "empty?", "except", "fetch", "fetch_values",
    "filter", "filter!", "first", "has_key?", "has_value?", "include?", "invert", "keep_if",
    "key", "key?", "keys", "length", "member?", "merge", "merge!", "new", "partition", "rehash",
    "reject", "reject!", "replace", "select", "select!", "shift", "size", "slice", "sort",
    "store", "to_h", "to_hash", "transform_keys", "transform_keys!", "transform_values",
    "transform_values!", "update", "value?", "values", "values_at",
];

#[rustfmt::skip]
const PATTERN: &[&str] = &[
    "===", "=~", "[]", "begin", "captures", "compile", "end", "escape", "last_match", "length",
    "match", "match?", "named_captures", "names", "new", "options", "post_match", "pre_match",
    "quote", "size", "source", "string", "to_a", "union", "values_at",
];

#[rustfmt::skip]
const ENUMERATOR: &[&str] = &[
    "()", "<<", "===", ">>", "[]", "arity", "call", "curry", "each", "each_with_index",
    "each_with_object", "first", "lambda?", "next", "peek", "rewind", "size", "take", "to_proc",
    "with_index", "with_object", "yield",
];

#[rustfmt::skip]
const TIME: &[&str] = &[
    "+", "-", "<", "<<", "<=", "==", "===", ">", ">=", ">>", "asctime", "at", "between?", "civil",
    "ctime", "cwday", "cweek", "cwyear", "day", "downto", "dst?", "floor", "friday?", "get",
    "getgm", "getlocal", "getutc", "gm", "gmt?", "gmt_offset", "gmtime", "gmtoff",
    "gregorian_leap?", "hour", "httpdate", "identifier", "isdst", "iso8601", "jd", "jisx0301",
    "ld", "leap?", "local", "local_to_utc", "localtime", "mday", "min", "minute", "mjd", "mktime",
    "mon", "monday?", "month", "name", "new", "new_offset", "next", "next_day", "next_month",
    "next_year", "now", "nsec", "offset", "parse", "prev_day", "prev_month", "prev_year",
    "rfc2822", "rfc3339", "rfc822", "round", "saturday?", "sec", "sec_fraction", "second", "step",
    "strftime", "strptime", "subsec", "succ", "sunday?", "thursday?", "to_a", "to_date",
    "to_datetime", "to_f", "to_i", "to_local", "to_r", "to_s", "to_time", "today", "tuesday?",
    "tv_nsec", "tv_sec", "tv_usec", "upto", "usec", "utc", "utc?", "utc_offset", "utc_to_local",
    "valid_civil?", "valid_date?", "wday", "wednesday?", "xmlschema", "yday", "year", "zone",
];

#[rustfmt::skip]
const EXCEPTION: &[&str] = &[
    "backtrace", "backtrace_locations", "cause", "detailed_message", "exception", "full_message",
    "key", "message", "name", "receiver", "result", "to_s",
];

#[rustfmt::skip]
const CLASS: &[&str] = &[
    "<", "<=", "===", "alphanumeric", "ancestors", "atan", "base64", "base64digest", "cbrt",
    "cos", "decode", "decode64", "decode_uri_component", "decode_www_form_component", "dump",
    "encode", "encode64", "encode_uri_component", "encode_www_form", "encode_www_form_component",
    "escape", "escapeHTML", "escapeURIComponent", "escape_html", "exception", "exp",
    "fast_generate", "generate", "h", "hex", "hexdigest", "html_escape", "hypot", "inspect",
    "load", "log", "log10", "log2", "name", "new", "parse", "parse!", "pow", "pretty_generate",
    "rand", "random_number", "sin", "sqrt", "strict_decode64", "strict_encode64", "superclass",
    "tan", "to_s", "u", "unescape", "unescapeHTML", "unescape_html", "url_encode",
    "urlsafe_base64", "urlsafe_decode64", "urlsafe_encode64", "uuid",
];

#[rustfmt::skip]
const OBJECT: &[&str] = &[
    "!", "!=", "!~", "&", "<=>", "==", "===", "=~", "^", "__id__", "__send__", "abort", "catch",
    "class", "clone", "display", "dup", "enum_for", "eql?", "equal?", "exit", "extend", "fail",
    "format", "freeze", "frozen?", "h", "hash", "html_escape", "include", "inspect",
    "instance_of?", "is_a?", "itself", "j", "kind_of?", "lambda", "loop", "method", "nil?",
    "object_id", "p", "pp", "print", "private", "proc", "public", "public_send", "puts", "raise",
    "rand", "require", "require_relative", "respond_to?", "send", "sleep", "sprintf", "srand",
    "tap", "then", "throw", "to_a", "to_enum", "to_f", "to_h", "to_i", "to_json", "to_r", "to_s",
    "u", "url_encode", "warn", "yield_self", "|",
];

/// Tells whether any value has a method of that name.
pub(crate) fn is_known(name: &str) -> bool {
    const ALL: &[&[&str]] = &[
        STRING, NUMBER, ARRAY, ENUMERABLE, HASH, PATTERN, ENUMERATOR, TIME, EXCEPTION, CLASS,
        OBJECT,
    ];
    ALL.iter().any(|names| names.contains(&name))
}

/// Tells whether a value has a method of that name.
pub(super) fn responds(receiver: &Value<'_>, name: &str) -> bool {
    let own: &[&[&str]] = match receiver {
        Value::Str(_) => &[STRING],
        Value::Sym(_) => {
            return matches!(name, "to_proc" | "length" | "size") || OBJECT.contains(&name);
        }
        Value::Int(_) | Value::Float(_) | Value::Rational(..) => &[NUMBER],
        Value::Array(_) => &[ARRAY, ENUMERABLE],
        Value::Hash(_) => &[HASH, ENUMERABLE],
        Value::Range(_) => &[ENUMERABLE],
        Value::Enumerator(_) => &[ENUMERATOR, ENUMERABLE],
        Value::Regex(_) | Value::Match(_) => &[PATTERN],
        Value::Proc(_) => &[ENUMERATOR],
        Value::Time(_) | Value::Date(_) | Value::Zone(_) => &[TIME],
        Value::Exception(_) => &[EXCEPTION],
        Value::Class(_) => &[CLASS],
        Value::Nil => return matches!(name, "to_a" | "to_h" | "to_i" | "to_f") || plain(name),
        Value::Bool(_) | Value::Main => &[],
    };
    own.iter().any(|names| names.contains(&name)) || plain(name)
}

/// Methods of every value, without those that only nil and numbers have.
fn plain(name: &str) -> bool {
    OBJECT.contains(&name) && !name.starts_with("to_") || matches!(name, "to_s" | "to_json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ruby::{Condition, Context};

    /// Calls a method with a few sets of arguments; whether any call found it.
    fn answered(receiver: &str, name: &str) -> bool {
        let variables = serde_json::json!({});
        let context = Context::new(&variables, model::time::Micros(0));
        let forms = [
            format!("({receiver}).send(:'{name}')"),
            format!("({receiver}).send(:'{name}', 1)"),
            format!("({receiver}).send(:'{name}', 'a')"),
            format!("({receiver}).send(:'{name}', [1])"),
            format!("({receiver}).send(:'{name}', {{}})"),
            format!("({receiver}).send(:'{name}') {{ |a| break a }}"),
            format!("({receiver}).send(:'{name}', 1) {{ |a| break a }}"),
            format!("({receiver}).send(:'{name}', 1, 1)"),
        ];
        forms.iter().any(|form| {
            let condition = Condition::compile(form).expect(form);
            match condition.evaluate(&context) {
                Ok(_) => true,
                Err(error) => {
                    let missing = format!("undefined method `{name}'");
                    !error.message.starts_with(&missing)
                }
            }
        })
    }

    #[test]
    fn every_known_method_is_answered_by_some_value() {
        let receivers: &[(&[&str], &[&str])] = &[
            (STRING, &["'abc'", ":abc"]),
            (NUMBER, &["5", "5.5", "Rational(1, 2)"]),
            (ARRAY, &["[1, 2]", "1..2"]),
            (ENUMERABLE, &["[1, 2]", "{a: 1}", "1..2", "[1].each"]),
            (HASH, &["{a: 1}", "Hash"]),
            (PATTERN, &["/a/", "'a'.match(/(?<x>a)/)", "Regexp"]),
            (ENUMERATOR, &["[1].each", "->(x) { x }"]),
            (TIME, &["Time.now", "Date.today", "DateTime.now", "Time", "Date", "DateTime"]),
            (EXCEPTION, &["StandardError.new('x')"]),
            (OBJECT, &["nil", "true", "self", "5"]),
        ];
        let zone = ["TZInfo::Timezone.get('UTC')", "TZInfo::Timezone"];
        let mut missing = Vec::new();
        for (names, values) in receivers {
            for name in *names {
                let own = values.iter().any(|value| answered(value, name));
                if !own && !zone.iter().any(|value| answered(value, name)) {
                    missing.push(*name);
                }
            }
        }
        let classes = [
            "JSON",
            "ERB::Util",
            "CGI",
            "URI",
            "Base64",
            "Digest::MD5",
            "SecureRandom",
            "Math",
            "Integer",
            "ArgumentError",
            "Array",
            "Range",
            "Proc",
            "String",
        ];
        for name in CLASS {
            if !classes.iter().any(|class| answered(class, name)) {
                missing.push(*name);
            }
        }
        assert_eq!(missing, Vec::<&str>::new());
    }

    /// Methods that would go on until the step limit with the arguments below.
    const ENDLESS: &[&str] =
        &["upto", "downto", "step", "times", "cycle", "loop", "%", "each_entry"];

    #[test]
    fn no_method_panics_on_extreme_arguments() {
        let receivers = [
            "'aä-1'",
            ":a",
            "5",
            "-9223372036854775808",
            "9223372036854775807",
            "1e300",
            "Float::NAN",
            "Rational(-9223372036854775807, 2)",
            "[3, 1, 2]",
            "{a: 1, 'b' => nil}",
            "1..3",
            "'xay'.match(/a(b)?/)",
            "[1, 2].each",
            "Time.at(0).utc",
            "Date.today",
            "DateTime.now",
            "Time",
            "Date",
            "Array",
            "Integer",
            "Base64",
            "self",
        ];
        let args = "[[], [-1], [9223372036854775807], [-9223372036854775808], [1e300], \
                    [Float::NAN], ['ä'], [[1]], [-5..-1], [Rational(1, 9223372036854775807)], \
                    [2024, 99, 99], [9223372036854775807, 9223372036854775807], \
                    [-9223372036854775808, -9223372036854775808], [0, 9223372036854775807]]";
        let all: std::collections::BTreeSet<&str> =
            [STRING, NUMBER, ARRAY, ENUMERABLE, HASH, PATTERN, ENUMERATOR, TIME, CLASS, OBJECT]
                .concat()
                .into_iter()
                .filter(|name| !ENDLESS.contains(name))
                .collect();
        let mut panics = Vec::new();
        for receiver in receivers {
            let text = format!(
                "{args}.each {{ |a| \
                   begin; ({receiver}).send(@name, *a); rescue Exception; end; \
                   }}"
            );
            let condition = Condition::compile(&text).expect(receiver);
            for name in &all {
                let variables = serde_json::json!({"name": name});
                let context = Context::new(&variables, model::time::Micros(0));
                // Errors are fine here, limits too; a panic is not.
                let run = std::panic::AssertUnwindSafe(|| condition.evaluate(&context).is_ok());
                if std::panic::catch_unwind(run).is_err() {
                    panics.push(format!("({receiver}).{name}"));
                }
            }
        }
        assert_eq!(panics, Vec::<String>::new());
    }
}
