//! Shutting a listener's door before the listener is closed. Closing resets the connections that wait in its
//! queue, and a proxy that has sent a request on one of them must not send it again. So a stop first lets nobody
//! ring any more, waits until everybody who had rung is inside, and only then closes: whoever comes meanwhile is
//! not answered at all, asks again after a second as TCP does, and is refused then, before anything was sent.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use nix::sys::socket::{ControlMessage, MsgFlags, UnixAddr, sendmsg};
use pingora::server::{Fds, ListenFds, ShutdownWatch};
use pingora::services::Service;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use socket2::{SockFilter, SockRef};

/// For those whose handshake has begun: it takes one round trip, and their request comes with its end.
const ENTER: Duration = Duration::from_millis(250);

/// What lets every packet in but one that opens a connection: SYN alone of SYN and ACK among the flags of TCP
/// (RFC 9293, section 3.1). Classic BPF, whose packet begins with the header of TCP here.
const NOBODY_NEW: [SockFilter; 5] = {
    const LOAD_BYTE: u16 = 0x30;
    const AND: u16 = 0x54;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const FLAGS_AT: u32 = 13;
    const SYN: u32 = 0x02;
    const ACK: u32 = 0x10;
    [
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS_AT),
        SockFilter::new(AND, 0, 0, SYN | ACK),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ]
};

/// The door of every listener that Pingora has, which it tells its services of.
#[derive(Clone, Default)]
pub(super) struct Door(Arc<ArcSwapOption<Listeners>>);

type Listeners = parking_lot::Mutex<Fds>;

impl Door {
    /// Returns when everybody is inside who will be. Where it cannot be shut, closing has to do.
    pub(super) async fn shut(&self) {
        let Some(listeners) = self.0.load_full() else {
            return;
        };
        let (_, listeners) = listeners.lock().serialize();
        for listener in listeners {
            if let Err(error) = shut(listener) {
                tracing::warn!(%error, "connections that wait to be accepted may be lost");
            }
        }
        tokio::time::sleep(ENTER).await;
    }
}

#[async_trait]
impl Service for Door {
    async fn start_service(&mut self, fds: Option<ListenFds>, _: ShutdownWatch, _: usize) {
        self.0.store(fds);
    }

    fn name(&self) -> &'static str {
        "door"
    }

    fn threads(&self) -> Option<usize> {
        Some(1)
    }
}

fn shut(listener: RawFd) -> io::Result<()> {
    SockRef::from(&duplicate(listener)?).attach_filter(&NOBODY_NEW)
}

/// Another descriptor of a socket that is only known by its number: it is sent to ourselves.
fn duplicate(number: RawFd) -> io::Result<OwnedFd> {
    let (from, to) = UnixStream::pair()?;
    sendmsg::<UnixAddr>(
        from.as_raw_fd(),
        &[IoSlice::new(b".")],
        &[ControlMessage::ScmRights(&[number])],
        MsgFlags::empty(),
        None,
    )?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut received = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(
        &to,
        &mut [IoSliceMut::new(&mut byte)],
        &mut received,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let sent = received.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        RecvAncillaryMessage::ScmCredentials(_) | _ => None,
    });
    sent.ok_or_else(|| io::Error::other("the descriptor did not come"))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn who_had_come_is_let_in_and_nobody_else() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = TcpStream::connect(address).unwrap();
        waiting.write_all(b"early").unwrap();
        shut(listener.as_raw_fd()).unwrap();
        let late = TcpStream::connect_timeout(&address, Duration::from_millis(200));
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::TimedOut);
        let (mut inside, _) = listener.accept().unwrap();
        drop(listener);
        waiting.write_all(b" and late").unwrap();
        drop(waiting);
        let mut heard = String::new();
        inside.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "early and late");
        let refused = TcpStream::connect(address);
        assert_eq!(
            refused.unwrap_err().kind(),
            io::ErrorKind::ConnectionRefused
        );
    }
}
