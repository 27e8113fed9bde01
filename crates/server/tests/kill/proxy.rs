//! A network between a server and its PostgreSQL that can be taken away and given back.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    /// It carries everything.
    Fair,
    /// It swallows everything; connections stay, as behind a pulled cable.
    Blackhole,
    /// It closes every connection, as a server that restarts does.
    Cut,
}

/// The network.
pub(crate) struct Proxy {
    weather: watch::Sender<Weather>,
    url: String,
}

impl Proxy {
    /// Puts itself in front of the server of a database's URL.
    pub(crate) async fn before(url: &str) -> Self {
        let start = url.find('@').map_or(url.find("//").unwrap() + 2, |at| at + 1);
        let end = start + url[start..].find('/').unwrap();
        let server = url[start..end].to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().to_string();
        let weather = watch::Sender::new(Weather::Fair);
        let seen = weather.subscribe();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server.clone(), seen.clone()));
            }
        });
        Self { weather, url: format!("{}{own}{}", &url[..start], &url[end..]) }
    }

    /// The database's URL through the network.
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Changes what the network does.
    pub(crate) fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Closes every connection and lets none through for a while.
    pub(crate) async fn cut(&self, time: Duration) {
        self.set(Weather::Cut);
        tokio::time::sleep(time).await;
        self.set(Weather::Fair);
    }
}

async fn carry(client: TcpStream, server: String, weather: watch::Receiver<Weather>) {
    if *weather.borrow() == Weather::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = copy(from_client, to_server, weather.clone()) => (),
        () = copy(from_server, to_client, weather) => (),
    }
}

/// Ends when either end closes, or the network is cut.
async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
) {
    let mut buffer = vec![0; 65_536];
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            cut = weather.wait_for(|now| *now == Weather::Cut) => { drop(cut); return }
        };
        let Ok(count @ 1..) = read else { return };
        let fair = weather.wait_for(|now| *now != Weather::Blackhole).await.map(|now| *now);
        if !matches!(fair, Ok(Weather::Fair)) || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
