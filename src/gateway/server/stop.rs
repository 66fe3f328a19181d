//! How the gateway stops: what it is told by, and in which order it lets go. First nobody is asked to come back,
//! then nobody is let in, then what is under way ends, and only then does Pingora end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use pingora::server::{ShutdownSignal, ShutdownSignalWatch};
use pingora_proxy::Session;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::gateway::server::door::Door;

/// How often a stop looks whether requests are still under way.
const DRAIN_CHECK: Duration = Duration::from_millis(20);

/// What tells the gateway to stop.
#[derive(Debug)]
pub enum StopOn {
    /// SIGTERM and SIGINT, as operators send them, and SIGQUIT, by which another process takes over.
    Signals,
    /// A flag, for a gateway inside another command.
    Flag(watch::Receiver<bool>),
}

/// What others see of a stop.
#[derive(Clone, Debug, Default)]
pub struct Stopping {
    /// Connections are not kept after the answer that is under way.
    pub closes_connections: Arc<AtomicBool>,
    /// This process takes no more requests before long: `/health` says so.
    pub is_draining: Arc<AtomicBool>,
}

impl Stopping {
    /// Whether connections are not kept any more.
    pub(crate) fn is_closing(&self) -> bool {
        self.closes_connections.load(Ordering::Acquire)
    }

    /// Says how long a connection may wait for its next request, if its caller wants it to and there may be one.
    pub(crate) fn keep(&self, session: &mut Session, idle_s: u64) {
        if session.get_keepalive().is_some() {
            session.set_keepalive((!self.is_closing()).then_some(idle_s));
        }
    }
}

/// Stops in that order. Pingora drops requests that outlast its own grace period, and sleeps through all of that
/// period if there is one, so it has none. What it is told by is dropped after it closed its listeners and before
/// it drops requests: that is the moment to wait.
pub(super) struct Drain {
    pub(super) in_flight: Arc<AtomicUsize>,
    pub(super) stopping: Stopping,
    pub(super) stop: StopOn,
    /// How long callers are still let in.
    pub(super) delay: Duration,
    /// What is shut then.
    pub(super) door: Door,
    /// How long requests may take that are under way then.
    pub(super) wait_max: Duration,
}

#[async_trait]
impl ShutdownSignalWatch for Drain {
    async fn recv(&self) -> ShutdownSignal {
        let told = match &self.stop {
            StopOn::Signals => until_told().await,
            StopOn::Flag(flag) => {
                let mut flag = flag.clone();
                // An error means that whoever could raise the flag is gone.
                let _ = flag.wait_for(|raised| *raised).await;
                Told::End
            }
        };
        self.stopping
            .closes_connections
            .store(true, Ordering::Release);
        let in_flight = self.in_flight.load(Ordering::Acquire);
        match told {
            Told::HandOver => {
                tracing::info!(in_flight, "handing over to another process");
                // Pingora sends the sockets and goes on for five seconds.
                ShutdownSignal::GracefulUpgrade
            }
            Told::End => {
                self.stopping.is_draining.store(true, Ordering::Release);
                tracing::info!(in_flight, "stopping");
                tokio::time::sleep(self.delay).await;
                self.door.shut().await;
                ShutdownSignal::GracefulTerminate
            }
        }
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        let end = Instant::now() + self.wait_max;
        while self.in_flight.load(Ordering::Acquire) > 0 && Instant::now() < end {
            thread::sleep(DRAIN_CHECK);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    End,
    HandOver,
}

async fn until_told() -> Told {
    let Ok(mut quit) = signal(SignalKind::quit()) else {
        until_signal().await;
        return Told::End;
    };
    tokio::select! {
        () = until_signal() => Told::End,
        _ = quit.recv() => Told::HandOver,
    }
}

/// Waits for SIGTERM or SIGINT.
pub async fn until_signal() {
    let signals = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    let (Ok(terminate), Ok(interrupt)) = signals else {
        tracing::error!("signals cannot be waited for; only SIGKILL stops the gateway");
        return std::future::pending().await;
    };
    either(terminate, interrupt).await;
}

async fn either(mut one: Signal, mut other: Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}
