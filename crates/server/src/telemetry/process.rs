//! What the operating system knows of this process; on Linux, from `/proc`. Elsewhere nothing is
//! told rather than something wrong.

use runtime::metrics::{Family, Kind};

/// Ticks of a second in `/proc/self/stat`: fixed for programs on all of Linux's usual machines.
const TICKS_PER_SECOND: f64 = 100.0;

/// Memory, processor time, threads and file descriptors.
pub(crate) fn read() -> Vec<Family> {
    let mut families = Vec::new();
    let mut add = |name, help, kind, value: Option<f64>| {
        families.extend(value.map(|value| Family::one(name, help, kind, value)));
    };
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = |name: &str| Some(field(&status, name)? * 1_024.0);
    add(
        "process_resident_memory_bytes",
        "Memory of the process that is in RAM.",
        Kind::Gauge,
        kilobytes("VmRSS:"),
    );
    add(
        "process_virtual_memory_bytes",
        "Address space of the process.",
        Kind::Gauge,
        kilobytes("VmSize:"),
    );
    add("process_threads", "Threads of the process.", Kind::Gauge, field(&status, "Threads:"));
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    add(
        "process_cpu_seconds_total",
        "Processor time used, user and system.",
        Kind::Counter,
        cpu_seconds(&stat),
    );
    let open = std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count);
    let open = open.and_then(|count| u32::try_from(count).ok()).map(f64::from);
    add("process_open_fds", "Open file descriptors.", Kind::Gauge, open);
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    add(
        "process_max_fds",
        "File descriptors the process may have open.",
        Kind::Gauge,
        field(&limits, "Max open files"),
    );
    families
}

/// The number that follows a name at the beginning of a line.
fn field(text: &str, name: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// The 14th and 15th field; the second one holds a name with spaces in parentheses.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found() {
        assert_eq!(field("Name:\tx\nVmRSS:\t  12 kB\n", "VmRSS:"), Some(12.0));
        let stat = "7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(cpu_seconds(""), None);
    }
}
