//! The listener and the data folder: both belong to one process, and pass from one to the next without a caller
//! that is turned away.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::app::{first_run, trust};
use crate::gateway::server::certificate::Certificate;
use crate::gateway::server::connections::ConnectionLimits;
use crate::gateway::server::{Listener, Prepared, ServerOptions, UPGRADE_SOCKET};
use crate::settings::Settings;

/// Who uses the data folder: the file is locked by that process, and has its number in it.
const HOLDER: &str = "budgetguard.pid";
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// How long the socket for handing over may take to appear.
const SOCKET_MAX: Duration = Duration::from_secs(5);
/// How long a process may take to end, beyond what it waits for requests: it goes on for five seconds, and writes
/// its last rows.
const LETTING_GO_MAX: Duration = Duration::from_mins(1);

/// A data folder that nobody else uses.
#[derive(Debug)]
pub(super) struct Held {
    _file: File,
}

/// Makes the listener, or takes it over from the process that has it, and waits until the data folder is free.
pub(super) fn prepare(
    settings: &Settings,
    listener: Listener,
) -> Result<(ServerOptions, Prepared, Held)> {
    let folder = &settings.stores.data_dir;
    first_run::make_private_folder(folder)?;
    let options = server_options(settings)?;
    if listener == Listener::HandedOver
        && let Some(before) = holder(folder)?
    {
        let prepared = take_over(&options, before)?;
        let held = wait(folder, options.drain.saturating_add(LETTING_GO_MAX))?;
        return Ok((options, prepared, held));
    }
    let Some(held) = hold(folder)? else {
        bail!(
            "the data folder {} is in use by another process",
            folder.display()
        );
    };
    let prepared = Prepared::new(&options, Listener::New)?;
    Ok((options, prepared, held))
}

/// Asks the process that has the listener for it. It goes on with what is under way.
fn take_over(options: &ServerOptions, before: Pid) -> Result<Prepared> {
    tracing::info!(
        process = before.as_raw_nonzero().get(),
        "taking over from a running gateway"
    );
    let socket = options.run_folder.join(UPGRADE_SOCKET);
    // What an earlier attempt left would be taken for ours.
    let _ = fs::remove_file(&socket);
    let asking = thread::spawn(move || {
        let end = Instant::now() + SOCKET_MAX;
        while !socket.exists() && Instant::now() < end {
            thread::sleep(LOOK_INTERVAL);
        }
        kill_process(before, Signal::QUIT)
    });
    let prepared = Prepared::new(options, Listener::HandedOver)?;
    match asking.join() {
        Ok(asked) => asked.context("could not ask the running gateway to hand over")?,
        Err(_panic) => bail!("could not ask the running gateway to hand over"),
    }
    Ok(prepared)
}

/// The process that uses a data folder, if one does.
fn holder(folder: &Path) -> Result<Option<Pid>> {
    let mut file = open(folder)?;
    if locked(&file, folder)? {
        return Ok(None);
    }
    let mut text = String::new();
    file.read_to_string(&mut text)
        .with_context(|| format!("could not read {}", folder.join(HOLDER).display()))?;
    let number = text.trim().parse().ok();
    let pid = number.and_then(Pid::from_raw);
    pid.map(Some)
        .with_context(|| format!("{} names no process", folder.join(HOLDER).display()))
}

/// Takes a data folder, unless another process has it.
fn hold(folder: &Path) -> Result<Option<Held>> {
    let mut file = open(folder)?;
    if !locked(&file, folder)? {
        return Ok(None);
    }
    let noted = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    noted.with_context(|| format!("could not write {}", folder.join(HOLDER).display()))?;
    Ok(Some(Held { _file: file }))
}

fn wait(folder: &Path, wait_max: Duration) -> Result<Held> {
    let end = Instant::now() + wait_max;
    loop {
        if let Some(held) = hold(folder)? {
            return Ok(held);
        }
        if Instant::now() >= end {
            bail!("the gateway before does not let go of {}", folder.display());
        }
        thread::sleep(LOOK_INTERVAL);
    }
}

fn open(folder: &Path) -> Result<File> {
    let path = folder.join(HOLDER);
    let mut options = OpenOptions::new();
    let opened = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    opened.with_context(|| format!("could not open {}", path.display()))
}

fn locked(file: &File, folder: &Path) -> Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("could not lock {}", folder.join(HOLDER).display()))
        }
    }
}

fn server_options(settings: &Settings) -> Result<ServerOptions> {
    let folder = settings.stores.data_dir.clone();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let (server, limits) = (&settings.server, &settings.limits);
    let certificate = server.tls.as_ref().map(Certificate::load).transpose()?;
    Ok(ServerOptions {
        listen: server.listen(),
        certificate: certificate.map(Arc::new),
        connections: ConnectionLimits {
            total: limits.connections_max,
            per_address: limits.connections_per_address_max,
            proxies: server.trusted_proxies.clone(),
            header: Duration::from_secs(limits.header_timeout_s),
            idle: Duration::from_secs(limits.idle_timeout_s),
        },
        threads: if server.threads == 0 {
            cores
        } else {
            server.threads
        },
        keepalive_pool_size: settings.upstream.keepalive_pool_size,
        trusted_certificates: trust::with_extra(settings.upstream.ca_file.as_deref(), &folder)?,
        run_folder: folder,
        delay: Duration::from_secs(server.shutdown_delay_s),
        drain: Duration::from_secs(server.shutdown_drain_s),
    })
}
