//! What Linux tells of processes and threads in `/proc`. Nothing, where there is no Linux.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// The CPU time that this thread has used.
pub fn thread_cpu() -> Option<Duration> {
    scheduled(Path::new("/proc/thread-self"))
}

/// The CPU time that all threads of a process have used, user and system, in nanoseconds' resolution: what the
/// scheduler counts. Threads that have ended are not in it.
pub fn process_cpu(process: u32) -> Option<Duration> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).ok()?;
    // One that ends meanwhile is among those that have ended.
    let spent: Vec<Duration> = threads.flatten().filter_map(|thread| scheduled(&thread.path())).collect();
    (!spent.is_empty()).then(|| spent.iter().sum())
}

/// The CPU time that this process's children have used.
pub fn children_cpu() -> Option<Duration> {
    let own = std::process::id().to_string();
    let processes = fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    processes.filter(|process| status(*process, "PPid").as_deref() == Some(own.as_str())).map(process_cpu).sum()
}

/// The memory of a process that is in RAM, in KiB.
pub fn resident_kib(process: u32) -> Option<f64> {
    status(process, "VmRSS")?.parse().ok()
}

/// The most memory that a process had in RAM so far, in KiB.
pub fn peak_kib(process: u32) -> Option<f64> {
    status(process, "VmHWM")?.parse().ok()
}

/// Whether the main thread of a process sleeps. One that could run, but has no CPU at the moment, does not.
pub fn sleeps(process: u32) -> Option<bool> {
    Some(status(process, "State")? == "S")
}

/// The first number in `schedstat`: nanoseconds on a CPU.
fn scheduled(thread: &Path) -> Option<Duration> {
    let told = fs::read_to_string(thread.join("schedstat")).ok()?;
    Some(Duration::from_nanos(told.split_whitespace().next()?.parse().ok()?))
}

/// The first word of a line in `status`.
fn status(process: u32, name: &str) -> Option<String> {
    let told = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(line.split_whitespace().next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_runs_has_memory_and_time_and_does_not_sleep() {
        let own = std::process::id();
        // In this order: the second question may itself take memory.
        let resident = resident_kib(own).unwrap();
        assert!(resident > 0.0 && peak_kib(own).unwrap() >= resident);
        let begun = thread_cpu().unwrap();
        while thread_cpu().unwrap() == begun {}
        assert!(process_cpu(own).unwrap() >= begun);
        assert!(sleeps(own).is_some());
    }

    #[test]
    fn a_process_that_is_not_there_tells_nothing() {
        assert_eq!((process_cpu(u32::MAX), resident_kib(u32::MAX), sleeps(u32::MAX)), (None, None, None));
    }
}
