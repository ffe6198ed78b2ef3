//! What `ethtool` says of an interface, where it is installed: its ring, and which packets it joins.

use std::process::{Command, Stdio};

/// What was asked, as far as it was answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Hardware {
    /// Packets that the ring for received ones holds, and the most that it could.
    pub(super) ring: Option<(u64, u64)>,
    /// Whether received packets are joined to longer ones.
    pub(super) joins: Option<bool>,
}

/// Asks. The name is one that an interface was opened by.
pub(super) fn ask(name: &str) -> Hardware {
    let say = |option: &str| {
        let mut ethtool = Command::new("ethtool");
        let answer = ethtool.args([option, name]).stdin(Stdio::null()).stderr(Stdio::null());
        let answer = answer.output().ok().filter(|output| output.status.success())?;
        String::from_utf8(answer.stdout).ok()
    };
    Hardware {
        ring: say("-g").as_deref().and_then(ring),
        joins: say("-k").as_deref().and_then(joins),
    }
}

/// The first `RX:` is the most that can be set, the second what is set.
fn ring(text: &str) -> Option<(u64, u64)> {
    let mut sizes = text.lines().filter_map(|line| line.strip_prefix("RX:")?.trim().parse().ok());
    let (most, now) = (sizes.next()?, sizes.next()?);
    Some((now, most))
}

fn joins(text: &str) -> Option<bool> {
    let names = ["generic-receive-offload:", "large-receive-offload:", "rx-gro-hw:"];
    let states = text.lines().filter_map(|line| {
        let line = line.trim();
        let state = names.iter().find_map(|name| line.strip_prefix(name))?;
        Some(state.trim().starts_with("on"))
    });
    states.reduce(|any, one| any || one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_and_offloads_are_read() {
        let text = "Ring parameters for eth1:\nPre-set maximums:\nRX:\t\t4096\nRX Mini:\tn/a\nTX:\t\t4096\n\
                    Current hardware settings:\nRX:\t\t256\nRX Mini:\tn/a\nTX:\t\t256\n";
        assert_eq!(ring(text), Some((256, 4096)));
        assert_eq!(ring("netlink error: Operation not supported"), None);
        let on =
            "Features for eth1:\ngeneric-receive-offload: on\nlarge-receive-offload: off [fixed]\n";
        assert_eq!(joins(on), Some(true));
        assert_eq!(joins(&on.replace(": on", ": off")), Some(false));
        assert_eq!(joins("tx-checksumming: on\n"), None);
    }
}
