//! Server-sent events, as far as the server sends them: `event:` and `data:` lines.

/// Puts pieces of a stream together again.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    text: Vec<u8>,
}

impl Reader {
    /// Takes the next piece and gives the data of every event that it completes; comments, which
    /// keep the connection alive, complete none.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Vec<String> {
        self.text.extend_from_slice(piece);
        let mut complete = Vec::new();
        while let Some(end) = self.text.windows(2).position(|two| two == b"\n\n") {
            let event: Vec<u8> = self.text.drain(..end + 2).collect();
            let event = String::from_utf8_lossy(&event);
            let data: Vec<&str> =
                event.lines().filter_map(|line| line.strip_prefix("data:")).collect();
            if !data.is_empty() {
                complete.push(data.iter().map(|line| line.trim_start()).collect());
            }
        }
        complete
    }
}

#[cfg(test)]
mod tests {
    use super::Reader;

    #[test]
    fn events_are_put_together() {
        let mut reader = Reader::default();
        assert!(reader.push(b": connected\n\nevent: cha").is_empty());
        assert!(reader.push(b"nge\ndata: {\"topics\":").is_empty());
        assert_eq!(reader.push(b"[]}\n\n: ping\n\ndata: 2\n\n"), ["{\"topics\":[]}", "2"]);
    }
}
