//! A time-stamping authority on this machine. openssl makes its responses; the code here sends them.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
};

use super::package::{Scratch, openssl};

/// A time-stamping authority, whose certificate a root of its own issued.
#[derive(Debug)]
pub struct TestAuthority {
    address: SocketAddr,
    folder: Scratch,
}

impl TestAuthority {
    /// Starts an authority that stamps hashes of one kind, such as `sha256`.
    ///
    /// # Panics
    /// If openssl makes no certificate.
    #[must_use]
    pub fn for_hashes(hash: &str) -> Self {
        Self::at(hash, Scratch::new())
    }

    /// As [`Self::for_hashes`], with its files in `folder`.
    ///
    /// # Panics
    /// If openssl makes no certificate.
    #[must_use]
    pub fn at(hash: &str, folder: Scratch) -> Self {
        make_certificates(folder.path());
        write_configuration(folder.path(), hash);
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().unwrap();
        let at = folder.path().to_owned();
        // It ends with the process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(&stream.unwrap(), &at);
            }
        });
        Self { address, folder }
    }

    /// The address of the authority.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/stamps", self.address)
    }

    /// The certificate of its root.
    #[must_use]
    pub fn root(&self) -> String {
        text(&self.folder.path().join("root.pem"))
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Makes a root, and an authority that it certifies.
fn make_certificates(folder: &Path) {
    let [root, root_key, own, own_key, request, extensions] = [
        "root.pem", "root.key", "own.pem", "own.key", "own.csr", "own.ext",
    ]
    .map(|name| text(&folder.join(name)));
    let purpose = "keyUsage = critical, digitalSignature\n\
                   extendedKeyUsage = critical, timeStamping\n";
    fs::write(&extensions, purpose).unwrap();
    let make = ["-newkey", "rsa:2048", "-nodes"];
    let _ = openssl(
        &[
            ["req", "-x509"].as_slice(),
            &make,
            &["-subj", "/CN=ringcopy tests root", "-days", "3650"],
            &["-keyout", &root_key, "-out", &root],
        ]
        .concat(),
    );
    let _ = openssl(
        &[
            ["req"].as_slice(),
            &make,
            &["-subj", "/CN=ringcopy tests authority"],
            &["-keyout", &own_key, "-out", &request],
        ]
        .concat(),
    );
    let _ = openssl(
        &[
            ["x509", "-req", "-in", &request, "-days", "3650"].as_slice(),
            &["-CA", &root, "-CAkey", &root_key, "-CAcreateserial"],
            &["-extfile", &extensions, "-out", &own],
        ]
        .concat(),
    );
}

/// Writes the configuration for `openssl ts`.
fn write_configuration(folder: &Path, hash: &str) {
    let at = folder.display();
    let configuration = format!(
        "[tsa]\n\
         default_tsa = authority\n\
         [authority]\n\
         serial = {at}/serial\n\
         crypto_device = builtin\n\
         signer_cert = {at}/own.pem\n\
         signer_key = {at}/own.key\n\
         certs = {at}/root.pem\n\
         signer_digest = sha256\n\
         default_policy = 1.2.3.4.1\n\
         digests = {hash}\n\
         accuracy = secs:1, millisecs:500\n\
         ess_cert_id_alg = sha256\n"
    );
    fs::write(folder.join("authority.cnf"), configuration).unwrap();
}

/// Serves one request.
fn serve(stream: &TcpStream, folder: &Path) {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim_end().is_empty() {
            break;
        }
        let line = line.to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if let Some(value) = line.strip_prefix("content-type:") {
            assert_eq!(value.trim(), "application/timestamp-query");
        }
    }
    let mut request = vec![0; length];
    reader.read_exact(&mut request).unwrap();
    let [query, reply, configuration]: [PathBuf; 3] =
        ["query.tsq", "reply.tsr", "authority.cnf"].map(|name| folder.join(name));
    fs::write(&query, request).unwrap();
    let stamp = ["ts", "-reply", "-config", &text(&configuration)];
    let files = ["-queryfile", &text(&query), "-out", &text(&reply)];
    let _ = openssl(&[stamp, files].concat());
    let response = fs::read(reply).unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        response.len()
    );
    let mut stream = stream;
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&response).unwrap();
}
