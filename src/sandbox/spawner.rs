//! The thread that starts children.
//!
//! A child asks the kernel to be killed when its parent dies, and to the kernel the parent is the *thread* that started it.
//! The runtime's threads come and go; this one stays until the pool is gone.

use std::{
    io,
    process::Stdio,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use tokio::{
    process::{Child, Command},
    runtime::Handle,
    sync::oneshot,
};

use super::pool::Settings;

type Order = oneshot::Sender<io::Result<Child>>;

/// Orders children from the thread.
pub(super) struct Spawner {
    orders: Sender<Order>,
}

impl Spawner {
    /// Starts the thread; children belong to the present runtime.
    pub fn start(settings: Settings) -> io::Result<Self> {
        let (orders, waiting) = channel();
        let runtime = Handle::try_current().map_err(io::Error::other)?;
        thread::Builder::new()
            .name("sandbox-spawner".to_owned())
            .spawn(move || work(&runtime, &settings, &waiting))?;
        Ok(Self { orders })
    }

    /// A child, just started.
    pub async fn spawn(&self) -> io::Result<Child> {
        let (order, child) = oneshot::channel();
        self.orders.send(order).map_err(io::Error::other)?;
        child.await.map_err(io::Error::other)?
    }
}

fn work(runtime: &Handle, settings: &Settings, waiting: &Receiver<Order>) {
    let _runtime = runtime.enter();
    for order in waiting {
        // Whoever ordered may have gone; dropping the child kills it.
        let _ = order.send(command(settings).spawn());
    }
}

fn command(settings: &Settings) -> Command {
    let mut command = Command::new(&settings.program);
    command
        .args(&settings.arguments)
        .env_clear()
        .current_dir("/")
        // A group of its own: an interrupt from the keyboard is for the gateway, which finishes its work first.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}
