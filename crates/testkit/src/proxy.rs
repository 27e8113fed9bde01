//! A network between a store and its PostgreSQL that can be taken away and given back, and that can
//! lose the answer to a commit.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// It carries everything.
    Fair,
    /// It swallows everything; connections stay, as behind a pulled cable.
    Blackhole,
    /// It closes every connection, as a server that restarts does.
    Cut,
}

/// The network.
pub struct Proxy {
    weather: watch::Sender<Weather>,
    /// What PostgreSQL has to say in a transaction whose commit's answer is to be lost.
    loses: watch::Sender<Option<&'static str>>,
    url: String,
}

impl Proxy {
    /// Puts itself in front of the server of a database's URL.
    pub async fn before(url: &str) -> Self {
        let start =
            url.find('@').map_or_else(|| url.find("//").map(|at| at + 2), |at| Some(at + 1));
        let start = start.expect("the URL names a server");
        let end = start + url[start..].find('/').expect("the URL names a database");
        let server = url[start..end].to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let own = listener.local_addr().expect("it is bound");
        let (weather, loses) = (watch::Sender::new(Weather::Fair), watch::Sender::new(None));
        let seen = (weather.subscribe(), loses.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server.clone(), seen.0.clone(), seen.1.clone()));
            }
        });
        Self { weather, loses, url: format!("{}{own}{}", &url[..start], &url[end..]) }
    }

    /// The database's URL through the network.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Changes what the network does.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Has the next commit stored and its answer lost, of a transaction in which PostgreSQL says
    /// this, such as `UPDATE 1`: the connection closes instead.
    pub fn lose_commit(&self, saying: &'static str) {
        self.loses.send_replace(Some(saying));
    }

    /// Waits until that answer is lost.
    pub async fn lost(&self) {
        let _ = self.loses.subscribe().wait_for(Option::is_none).await;
    }

    /// Closes every connection and lets none through for a while.
    pub async fn cut(&self, time: Duration) {
        self.set(Weather::Cut);
        tokio::time::sleep(time).await;
        self.set(Weather::Fair);
    }
}

async fn carry(
    client: TcpStream,
    server: String,
    weather: watch::Receiver<Weather>,
    loses: watch::Sender<Option<&'static str>>,
) {
    if *weather.borrow() == Weather::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let mut said = Said { loses, text: Vec::new() };
    tokio::select! {
        () = copy(from_client, to_server, weather.clone(), |_| true) => (),
        () = copy(from_server, to_client, weather, |bytes| said.passes(bytes)) => (),
    }
}

/// What PostgreSQL has said in the present transaction of a connection.
struct Said {
    loses: watch::Sender<Option<&'static str>>,
    text: Vec<u8>,
}

impl Said {
    /// Whether these bytes reach the client; otherwise the connection has to close.
    fn passes(&mut self, bytes: &[u8]) -> bool {
        let Some(saying) = *self.loses.borrow() else { return true };
        self.text.extend(bytes);
        let says = |what: &str| self.text.windows(what.len()).any(|some| some == what.as_bytes());
        let is_over = says("COMMIT\0") || says("ROLLBACK\0");
        let loses = says(saying) && says("COMMIT\0");
        if is_over {
            self.text.clear();
        }
        !(loses && self.loses.send_if_modified(|loses| loses.take().is_some()))
    }
}

/// Ends when either end closes, the network is cut, or something does not pass.
async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
    mut passes: impl FnMut(&[u8]) -> bool,
) {
    let mut buffer = vec![0; 65_536];
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            cut = weather.wait_for(|now| *now == Weather::Cut) => { drop(cut); return }
        };
        let Ok(count @ 1..) = read else { return };
        let bytes = &buffer[..count];
        let fair = weather.wait_for(|now| *now != Weather::Blackhole).await.map(|now| *now);
        if !matches!(fair, Ok(Weather::Fair))
            || !passes(bytes)
            || to.write_all(bytes).await.is_err()
        {
            return;
        }
    }
}
