//! Values of PostgreSQL, from its text to JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Integers that JavaScript holds exactly.
const SAFE: std::ops::RangeInclusive<i64> = -9_007_199_254_740_991..=9_007_199_254_740_991;

/// Types by how their values become JSON; any other is a text.
#[derive(Clone, Copy)]
enum Kind {
    Bool,
    Integer,
    Float,
    Json,
    Timestamp,
    Zoned,
    Bytes,
    Text,
}

/// What a type of this id (`pg_type.oid`, the same on every server) is, and whether it is an array.
fn kind(oid: u32) -> (Kind, bool) {
    let of = |kind| (kind, false);
    let array = |kind| (kind, true);
    match oid {
        16 => of(Kind::Bool),
        // int2, int4, int8, oid
        21 | 23 | 20 | 26 => of(Kind::Integer),
        700 | 701 => of(Kind::Float),
        114 | 3802 => of(Kind::Json),
        1114 => of(Kind::Timestamp),
        1184 => of(Kind::Zoned),
        17 => of(Kind::Bytes),
        1000 => array(Kind::Bool),
        1005 | 1007 | 1016 | 1028 => array(Kind::Integer),
        1021 | 1022 => array(Kind::Float),
        199 | 3807 => array(Kind::Json),
        1115 => array(Kind::Timestamp),
        1185 => array(Kind::Zoned),
        1001 => array(Kind::Bytes),
        // text, varchar, bpchar, name, uuid, numeric, date, time, timetz, interval, inet, cidr
        1009 | 1015 | 1014 | 1003 | 2951 | 1231 | 1182 | 1183 | 1270 | 1187 | 1041 | 651 => {
            array(Kind::Text)
        }
        _ => of(Kind::Text),
    }
}

/// A value of a type as JSON.
pub(super) fn json(oid: u32, text: &str) -> Value {
    match kind(oid) {
        (kind, false) => scalar(kind, text),
        // An array may begin with its bounds: `[0:1]={a,b}`.
        (kind, true) => {
            let start = text.find('{').unwrap_or_default();
            let mut rest = text[start..].chars();
            array(kind, &mut rest).unwrap_or_else(|| text.into())
        }
    }
}

fn scalar(kind: Kind, text: &str) -> Value {
    let read = match kind {
        Kind::Bool => Some(Value::from(text == "t")),
        Kind::Integer => text.parse().ok().filter(|n| SAFE.contains(n)).map(Value::from),
        // JSON has no NaN and no infinities.
        Kind::Float => text.parse::<f64>().ok().filter(|n| n.is_finite()).map(Value::from),
        Kind::Json => serde_json::from_str(text).ok(),
        Kind::Timestamp => Some(text.replacen(' ', "T", 1).into()),
        Kind::Zoned => {
            text.strip_suffix("+00").map(|text| format!("{}Z", text.replacen(' ', "T", 1)).into())
        }
        Kind::Bytes => text.strip_prefix("\\x").and_then(bytes),
        Kind::Text => None,
    };
    read.unwrap_or_else(|| text.into())
}

fn bytes(hex: &str) -> Option<Value> {
    let pairs = (0..hex.len()).step_by(2).map(|at| hex.get(at..at + 2));
    let bytes = pairs.map(|pair| u8::from_str_radix(pair?, 16).ok());
    Some(STANDARD.encode(bytes.collect::<Option<Vec<u8>>>()?).into())
}

/// `{1,NULL,"a \"b\""}`, arrays within arrays included; `None` when it does not read so.
fn array(kind: Kind, rest: &mut std::str::Chars<'_>) -> Option<Value> {
    let mut items = Vec::new();
    if rest.next()? != '{' {
        return None;
    }
    loop {
        if rest.as_str().starts_with('{') {
            items.push(array(kind, rest)?);
        } else if rest.as_str().starts_with('"') {
            rest.next();
            let mut text = String::new();
            loop {
                match rest.next()? {
                    '"' => break,
                    '\\' => text.push(rest.next()?),
                    c => text.push(c),
                }
            }
            items.push(scalar(kind, &text));
        } else {
            let end = rest.as_str().find([',', '}'])?;
            let (text, after) = rest.as_str().split_at(end);
            *rest = after.chars();
            match text {
                "" => {}
                "NULL" => items.push(Value::Null),
                text => items.push(scalar(kind, text)),
            }
        }
        match rest.next()? {
            ',' => {}
            '}' => return Some(items.into()),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json as j;

    #[test]
    fn values_become_json_by_their_type() {
        let check = |oid, text: &str, expect: Value| assert_eq!(json(oid, text), expect, "{text}");
        check(16, "t", j!(true));
        check(20, "9007199254740991", j!(9_007_199_254_740_991_i64));
        check(20, "9007199254740993", j!("9007199254740993"));
        check(1700, "12.30", j!("12.30"));
        check(701, "1.5e-3", j!(0.0015));
        check(701, "NaN", j!("NaN"));
        check(3802, r#"{"a": [1]}"#, j!({ "a": [1] }));
        check(1114, "2026-01-02 03:04:05.5", j!("2026-01-02T03:04:05.5"));
        check(1184, "2026-01-02 03:04:05+00", j!("2026-01-02T03:04:05Z"));
        check(1184, "infinity", j!("infinity"));
        check(17, "\\x00ff", j!("AP8="));
        check(17, "\\x", j!(""));
        check(869, "10.0.0.1", j!("10.0.0.1"));
    }

    #[test]
    fn arrays_become_lists() {
        let check = |oid, text: &str, expect: Value| assert_eq!(json(oid, text), expect, "{text}");
        check(1007, "{}", j!([]));
        check(1007, "{1,NULL,3}", j!([1, null, 3]));
        check(1007, "{{1,2},{3,4}}", j!([[1, 2], [3, 4]]));
        check(1007, "[0:1]={1,2}", j!([1, 2]));
        check(1009, r#"{a,"NULL","","x,\"y\\","ü}"}"#, j!(["a", "NULL", "", "x,\"y\\", "ü}"]));
        check(1185, r#"{"2026-01-02 03:04:05+00"}"#, j!(["2026-01-02T03:04:05Z"]));
        check(3807, r#"{"{\"a\": 1}"}"#, j!([{ "a": 1 }]));
        check(1009, "{a", j!("{a"));
    }
}
