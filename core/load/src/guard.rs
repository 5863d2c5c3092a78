//! What keeps a third party's library within its bounds, set up by the process that opens it, on itself.
//!
//! **Invariant:** every guard that the kernel offers is on before anything of the library runs; opening files is over
//! when it has been opened.

use std::{collections::BTreeMap, fmt, path::Path, time::Duration};

use landlock::{
    ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
    path_beneath_rules,
};
use libc::c_long;
use nix::sys::resource::{Resource, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use serde::{Deserialize, Serialize};

/// Memory that the process may take, the program itself included: 1 GiB.
pub(crate) const MEMORY: u64 = 1 << 30;
/// How long it may take to open, and to give each answer.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Seconds of processor time that it may take altogether.
const PROCESSOR: u64 = 120;

/// One guard that is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// Memory and processor time are bounded (`setrlimit(2)`).
    Limits,
    /// No files but its own and the system's libraries, no network (`landlock(7)`).
    Landlock,
    /// No system calls but those that memory needs (`seccomp(2)`).
    Seccomp,
}

impl Guard {
    /// Every guard.
    pub const ALL: [Self; 3] = [Self::Limits, Self::Landlock, Self::Seccomp];
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Limits => "limits",
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
        })
    }
}

/// Folders and files that the dynamic linker reads, on any distribution.
const SYSTEM: [&str; 5] = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache"];

/// Turns the guards on for this process before `library` is opened; returns those that are on.
pub(crate) fn before_opening(library: &Path) -> Vec<Guard> {
    let mut on = Vec::new();
    on.extend(limits().is_ok().then_some(Guard::Limits));
    on.extend(landlock(library).then_some(Guard::Landlock));
    on.extend(allow_only(&[CALLING, OPENING].concat()).then_some(Guard::Seccomp));
    on
}

/// Ends what only opening a library needs. Whether the kernel did it is known from [`before_opening`].
pub(crate) fn after_opening() -> bool {
    allow_only(CALLING)
}

fn limits() -> nix::Result<()> {
    setrlimit(Resource::RLIMIT_AS, MEMORY, MEMORY)?;
    setrlimit(Resource::RLIMIT_CPU, PROCESSOR, PROCESSOR)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    setrlimit(Resource::RLIMIT_FSIZE, 0, 0)?;
    setrlimit(Resource::RLIMIT_NOFILE, 64, 64)
}

/// Whether the kernel enforces at least a part: older ones know files, newer ones the network too.
fn landlock(library: &Path) -> bool {
    let all = ABI::V6;
    let restrict = || {
        Ruleset::default()
            .handle_access(AccessFs::from_all(all))?
            .handle_access(AccessNet::from_all(all))?
            .scope(Scope::from_all(all))?
            .create()?
            .add_rules(path_beneath_rules([library], AccessFs::ReadFile))?
            .add_rules(path_beneath_rules(SYSTEM, AccessFs::ReadFile | AccessFs::ReadDir))?
            .restrict_self()
    };
    restrict().is_ok_and(|it: landlock::RestrictionStatus| it.ruleset != RulesetStatus::NotEnforced)
}

/// What answering takes: memory, the pipes that are open, and to end.
const CALLING: &[c_long] = &[
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_madvise,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_read,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_sigaltstack,
    libc::SYS_tgkill,
    libc::SYS_write,
    libc::SYS_writev,
];

/// What opening a library takes besides: reading it and the libraries it needs, and the next filter.
const OPENING: &[c_long] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_access,
    libc::SYS_faccessat,
    libc::SYS_fstat,
    libc::SYS_getcwd,
    libc::SYS_lseek,
    libc::SYS_newfstatat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    libc::SYS_openat,
    libc::SYS_prctl,
    libc::SYS_pread64,
    libc::SYS_readlinkat,
    libc::SYS_seccomp,
    libc::SYS_statx,
];

/// Refuses every system call but `calls` with `EACCES`; a signal may only go to this process itself.
fn allow_only(calls: &[c_long]) -> bool {
    let filter = || -> Result<(), Box<dyn std::error::Error>> {
        let rules = calls.iter().map(|call| Ok((*call, conditions(*call)?)));
        let filter = SeccompFilter::new(
            rules.collect::<Result<BTreeMap<_, _>, seccompiler::BackendError>>()?,
            SeccompAction::Errno(libc::EACCES.cast_unsigned()),
            SeccompAction::Allow,
            std::env::consts::ARCH.try_into()?,
        )?;
        let program: BpfProgram = filter.try_into()?;
        Ok(seccompiler::apply_filter(&program)?)
    };
    filter().is_ok()
}

fn conditions(call: c_long) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    if call != libc::SYS_tgkill {
        return Ok(Vec::new());
    }
    let own = u64::from(std::process::id());
    let to_itself = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, own)?;
    Ok(vec![SeccompRule::new(vec![to_itself])?])
}
