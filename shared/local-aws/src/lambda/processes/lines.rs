//! What processes print, told line by line.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;

use tokio::io::{AsyncRead, ReadBuf};

/// A longer line is told in pieces, as CloudWatch Logs takes no larger event.
const LONGEST_LINE: usize = 256 * 1024;

/// Tells every line of `output` until its end. Bytes that are no UTF-8 become replacement characters; a last line
/// without an end is told too.
pub(super) async fn tell(mut output: impl AsyncRead + Unpin, listener: impl Fn(&str)) {
    let mut storage = [0; 4096];
    let mut line = Vec::new();
    // A pipe that cannot be read has nothing more to tell.
    while let Ok(chunk) = read(&mut output, &mut storage).await {
        if chunk.is_empty() {
            break;
        }
        for byte in chunk {
            if *byte != b'\n' {
                line.push(*byte);
            }
            if *byte == b'\n' || line.len() >= LONGEST_LINE {
                listener(&text(&line));
                line.clear();
            }
        }
    }
    if !line.is_empty() {
        listener(&text(&line));
    }
}

/// The next bytes, none at the end.
async fn read<'s>(output: &mut (impl AsyncRead + Unpin), storage: &'s mut [u8]) -> io::Result<&'s [u8]> {
    let mut buffer = ReadBuf::new(storage);
    poll_fn(|context| Pin::new(&mut *output).poll_read(context, &mut buffer)).await?;
    let count = buffer.filled().len();
    Ok(storage.get(..count).unwrap_or_default())
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    async fn told(output: &[u8]) -> Vec<String> {
        let lines = RefCell::new(Vec::new());
        tell(output, |line| lines.borrow_mut().push(line.to_owned())).await;
        lines.into_inner()
    }

    #[tokio::test]
    async fn lines_are_whole() {
        assert_eq!(told(b"one\r\n\ntwo\nrest").await, ["one", "", "two", "rest"]);
        assert_eq!(told(b"").await, [""; 0]);
        assert_eq!(told(b"\xff\n").await, ["\u{fffd}"]);
    }

    #[tokio::test]
    async fn an_endless_line_is_told_in_pieces() {
        let lengths: Vec<usize> = told(&vec![b'x'; 2 * LONGEST_LINE + 5]).await.iter().map(String::len).collect();
        assert_eq!(lengths, [LONGEST_LINE, LONGEST_LINE, 5]);
    }
}
