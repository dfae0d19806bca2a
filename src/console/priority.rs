//! The console's place among the threads of the machine: behind all others.

/// Lets this thread, and those that it starts, run only while no other wants to (`SCHED_IDLE`,
/// sched(7)). A payment that becomes ready then interrupts a page at once; with a lower priority of
/// the usual kind it waits until the page's slice is over.
///
/// # Errors
/// What the system said, such as a sandbox that forbids it.
#[allow(unsafe_code)]
pub fn behind_all_others() -> std::io::Result<()> {
    // SAFETY: all-zero is a legal value of this C structure, it outlives the call, and 0 is this
    // thread.
    let failed = unsafe {
        let parameters: libc::sched_param = std::mem::zeroed();
        libc::sched_setscheduler(0, libc::SCHED_IDLE, &parameters)
    };
    match failed {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    /// Field 41 of proc(5)'s `stat`, counted from behind the name, which is the second.
    fn policy() -> String {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("/proc");
        let (_, rest) = stat.rsplit_once(')').expect("a name");
        rest.split_whitespace().nth(38).expect("a policy").to_owned()
    }

    #[test]
    fn it_counts_for_this_thread_and_those_that_it_starts() {
        let seen = std::thread::spawn(|| {
            super::behind_all_others().expect("allowed for everybody");
            [policy(), std::thread::spawn(policy).join().expect("a thread")]
        });
        assert_eq!(seen.join().expect("a thread"), ["5", "5"]);
        assert_eq!(policy(), "0", "only for them");
    }
}
