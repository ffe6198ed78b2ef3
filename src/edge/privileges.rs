//! What a process gives up once it has what it needs: its user, capabilities, files, calls of the system.
//!
//! Takes a wish, gives what was done and what could not be. To be called while the process has one thread: capabilities and
//! Landlock's rules are a thread's, and threads that are begun later have those of the one that began them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use caps::CapSet;
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, NetPort, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus, path_beneath_rules,
};
use nix::libc;
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{Gid, Group, Uid, User, setgid, setgroups, setuid};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter_all_threads,
};

/// What is to be given up.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The user to become, and the group when it is another than the user's own: `USER[:GROUP]`.
    pub user: Option<String>,
    /// Whether capabilities, files and calls are to be given up too.
    pub confine: bool,
    /// Files and folders that may still be read.
    pub readable: Vec<PathBuf>,
    /// Folders in which files may still be made and written.
    pub writable: Vec<PathBuf>,
    /// Folders in which empty folders may still be removed.
    pub removable: Vec<PathBuf>,
    /// What the network may still be used for.
    pub network: Network,
}

/// What the network may still be used for. Nothing, unless it is said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Network {
    /// Connections may be accepted, on sockets that listen already.
    pub answers: bool,
    /// Connections may be made to these ports, wherever. Where the kernel cannot tell ports apart (before Linux 6.7), to any.
    pub connects: Vec<u16>,
}

/// One thing that was given up, or could not be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// What it is.
    pub what: &'static str,
    /// Why it could not be given up.
    pub failed: Option<String>,
}

/// The user is not there, or must not be become: what to say.
#[derive(Debug, thiserror::Error)]
#[error("cannot become {user}: {why}")]
pub struct UserError {
    /// As it was asked for.
    pub user: String,
    /// In words.
    pub why: String,
}

/// Gives up what is wished, and says how that went, step by step.
///
/// # Errors
/// The user cannot be become; nothing else was given up then.
pub fn give_up(wish: &Wish) -> Result<Vec<Step>, UserError> {
    let mut steps = Vec::new();
    if let Some(user) = &wish.user {
        let failed = |why: String| UserError { user: user.clone(), why };
        become_user(user).map_err(failed)?;
        steps.push(Step { what: "user", failed: None });
    }
    if wish.confine {
        let mut step =
            |what, done: Result<(), String>| steps.push(Step { what, failed: done.err() });
        step("capabilities", no_capabilities());
        step("no new privileges", prctl::set_no_new_privs().map_err(|e| e.to_string()));
        step("no core dumps", no_core_dumps());
        step("landlock", confine_access(wish));
        step("seccomp", confine_calls(&wish.network));
    }
    Ok(steps)
}

/// The owner that files get which the process makes for the user it is going to be.
///
/// # Errors
/// There is no such user or group.
pub fn owner_of(user: &str) -> Result<(u32, u32), UserError> {
    let found = find(user).map_err(|why| UserError { user: user.to_owned(), why })?;
    Ok((found.0.as_raw(), found.1.as_raw()))
}

/// Whether the process is root.
#[must_use]
pub fn is_root() -> bool {
    Uid::effective().is_root()
}

/// Whether the process may capture.
#[must_use]
pub fn may_capture() -> bool {
    caps::has_cap(None, CapSet::Effective, caps::Capability::CAP_NET_RAW).unwrap_or(false)
}

/// Whether the kernel can confine which files a process opens. Asks without confining anything.
#[must_use]
pub fn has_landlock() -> bool {
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    ruleset.handle_access(AccessFs::from_all(ABI::V1)).and_then(Ruleset::create).is_ok()
}

fn find(user: &str) -> Result<(Uid, Gid), String> {
    let (name, group) = match user.split_once(':') {
        Some((name, group)) => (name, Some(group)),
        None => (user, None),
    };
    let known = match name.parse::<u32>() {
        Ok(number) => User::from_uid(Uid::from_raw(number)),
        Err(_) => User::from_name(name),
    };
    let known = known.map_err(|e| e.to_string())?.ok_or("there is no such user")?;
    let gid = match group {
        None => known.gid,
        Some(group) => match group.parse::<u32>() {
            Ok(number) => Gid::from_raw(number),
            Err(_) => {
                let group = Group::from_name(group).map_err(|e| e.to_string())?;
                group.ok_or("there is no such group")?.gid
            }
        },
    };
    Ok((known.uid, gid))
}

fn become_user(user: &str) -> Result<(), String> {
    let (uid, gid) = find(user)?;
    setgroups(&[gid]).map_err(|e| format!("groups: {e}"))?;
    setgid(gid).map_err(|e| format!("group: {e}"))?;
    setuid(uid).map_err(|e| format!("user: {e}"))?;
    if !uid.is_root() && setuid(Uid::from_raw(0)).is_ok() {
        return Err("root could be become again".to_owned());
    }
    Ok(())
}

fn no_capabilities() -> Result<(), String> {
    // A kernel without ambient capabilities has none to clear.
    let _none = caps::clear(None, CapSet::Ambient);
    [CapSet::Inheritable, CapSet::Effective, CapSet::Permitted]
        .into_iter()
        .try_for_each(|set| caps::clear(None, set).map_err(|e| e.to_string()))
}

fn no_core_dumps() -> Result<(), String> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0).map_err(|e| e.to_string())?;
    prctl::set_dumpable(false).map_err(|e| e.to_string())
}

fn confine_access(wish: &Wish) -> Result<(), String> {
    const ABI_USED: ABI = ABI::V3;
    const ABI_OF_PORTS: ABI = ABI::V4;
    let Wish { readable, writable, removable, network, .. } = wish;
    let there = |paths: &[PathBuf]| -> Vec<PathBuf> {
        paths.iter().filter(|path| path.exists()).cloned().collect()
    };
    let attempt = || {
        Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(ABI_USED))?
            .handle_access(AccessNet::from_all(ABI_OF_PORTS))?
            .create()?
            .add_rules(path_beneath_rules(there(readable), AccessFs::from_read(ABI_USED)))?
            .add_rules(path_beneath_rules(there(writable), AccessFs::from_all(ABI_USED)))?
            .add_rules(path_beneath_rules(there(removable), AccessFs::RemoveDir))?
            .add_rules(ports(&network.connects))?
            .restrict_self()
    };
    match attempt() {
        Ok(status) if status.ruleset == RulesetStatus::NotEnforced => {
            Err("the kernel does not have it".to_owned())
        }
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

fn ports(ports: &[u16]) -> impl Iterator<Item = Result<NetPort, landlock::RulesetError>> + use<'_> {
    ports.iter().map(|port| Ok(NetPort::new(*port, AccessNet::ConnectTcp)))
}

/// Calls that an audit never makes and an intruder would: another program, a connection, another process's memory, the
/// kernel's own settings. What is refused answers "not permitted". A pair of sockets leads nowhere, and signals are told
/// through one.
///
/// This is no list of what is allowed, because that would be one of what the C library, SQLite, libpcap, the allocator and
/// the resolver call, which another version of them changes, on a path that may be taken once in weeks.
const REFUSED: &[libc::c_long] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_pidfd_send_signal,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_mount_setattr,
    libc::SYS_mknodat,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_open_by_handle_at,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
];

/// Those of them that are needed to answer, on a socket that is there.
const ANSWERS: &[libc::c_long] = &[libc::SYS_accept, libc::SYS_accept4];

fn confine_calls(network: &Network) -> Result<(), String> {
    let connects = !network.connects.is_empty();
    let allowed = |call: &libc::c_long| {
        (network.answers && ANSWERS.contains(call)) || (connects && *call == libc::SYS_connect)
    };
    let refused = REFUSED.iter().filter(|call| !allowed(call));
    let mut rules: BTreeMap<i64, _> = refused.map(|call| (*call, Vec::new())).collect();
    if connects {
        let other = no_socket_but_of_ip().map_err(|error| error.to_string())?;
        rules.insert(libc::SYS_socket, vec![other]);
    }
    let refuse = SeccompAction::Errno(u32::try_from(libc::EPERM).unwrap_or(1));
    let arch = std::env::consts::ARCH.try_into().map_err(|_| "not on this machine".to_owned())?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch);
    let program: BpfProgram =
        filter.and_then(TryInto::try_into).map_err(|error| error.to_string())?;
    apply_filter_all_threads(&program).map_err(|error| error.to_string())
}

/// What is refused of sockets where connections are made: those of any other family, packet sockets among them.
fn no_socket_but_of_ip() -> Result<SeccompRule, seccompiler::BackendError> {
    let is_not = |family: i32| {
        let family = u64::try_from(family).unwrap_or(u64::MAX);
        SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, family)
    };
    SeccompRule::new(vec![is_not(libc::AF_INET)?, is_not(libc::AF_INET6)?])
}

/// The folder that a file is in.
#[must_use]
pub fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixDatagram;
    use std::process::Command;

    #[test]
    fn users_are_found_by_name_and_by_number() {
        let (uid, gid) = owner_of("root").unwrap();
        assert_eq!((uid, gid), (0, 0));
        assert_eq!(owner_of("0:0").unwrap(), (0, 0));
        let error = owner_of("no-such-user-here").unwrap_err();
        assert!(error.to_string().contains("there is no such user"), "{error}");
    }

    #[test]
    fn folders_of_files_are_known() {
        assert_eq!(folder_of(Path::new("w.db")), Path::new("."));
        assert_eq!(folder_of(Path::new("/var/lib/w.db")), Path::new("/var/lib"));
    }

    const CHILD: &str = "WIRELINT_TEST_CONFINED_CHILD";

    /// Not a test by itself: the process that the tests below confine. Says what it still can.
    #[test]
    fn child() {
        let Some(ports) = std::env::var_os(CHILD) else { return };
        let ports = ports.into_string().unwrap();
        let (receiver, other) = ports.split_once(' ').unwrap();
        let (receiver, other) = (receiver.parse().unwrap(), other.parse().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let connects = if receiver > 0 { vec![receiver, own] } else { Vec::new() };
        let network = Network { answers: receiver > 0, connects };
        let wish = Wish { confine: true, network, ..Wish::default() };
        let steps = give_up(&wish).unwrap();
        let landlock = steps.iter().any(|step| step.what == "landlock" && step.failed.is_none());
        let can = [
            ("connect", TcpStream::connect(("127.0.0.1", receiver.max(1))).is_ok()),
            ("elsewhere", TcpStream::connect(("127.0.0.1", other)).is_ok()),
            ("accept", TcpStream::connect(("127.0.0.1", own)).is_ok() && listener.accept().is_ok()),
            ("listen", TcpListener::bind("127.0.0.1:0").is_ok()),
            ("local", UnixDatagram::unbound().is_ok()),
            ("pair", UnixDatagram::pair().is_ok()),
        ];
        let can = can.into_iter().filter(|one| one.1).map(|one| one.0);
        let line = format!("\ncan: {} ({landlock})", can.collect::<Vec<_>>().join(" "));
        writeln!(std::io::stdout(), "{line}").unwrap();
    }

    fn confined(receiver: u16, other: u16) -> String {
        let program = std::env::current_exe().unwrap();
        let arguments = ["edge::privileges::tests::child", "--exact", "--nocapture"];
        let mut child = Command::new(program);
        let output = child.args(arguments).env(CHILD, format!("{receiver} {other}")).output();
        let said = String::from_utf8(output.unwrap().stdout).unwrap();
        said.lines().find_map(|line| line.strip_prefix("can: ")).unwrap().to_owned()
    }

    #[test]
    fn nothing_of_the_network_is_left_unless_it_is_needed() {
        let (receiver, other) =
            (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
        assert!(confined(0, port(&other)).starts_with("pair ("));
        let can = confined(port(&receiver), port(&other));
        // Ports are told apart from Linux 6.7 on, where Landlock is switched on.
        let known = ["connect accept pair (true)", "connect elsewhere accept pair (true)"];
        assert!(
            known.contains(&can.as_str()) || can.starts_with("connect elsewhere accept pair (f"),
            "{can}"
        );
    }
}
