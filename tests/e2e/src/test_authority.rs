//! A time-stamping authority on this machine. openssl makes its responses, as a second opinion on
//! xtask's reading of RFC 3161; this module only carries them over HTTP.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
};

use super::package::openssl;

/// An authority, with a certificate issued by a root of its own.
#[derive(Debug)]
pub struct Authority {
    address: SocketAddr,
    folder: PathBuf,
}

impl Authority {
    /// Starts an authority that stamps hashes of one kind, as in `sha256`. It keeps its files in
    /// `folder`, and runs until the process ends.
    ///
    /// # Panics
    /// If openssl makes no certificate.
    #[must_use]
    pub fn start(hash: &str, folder: &Path) -> Self {
        make_certificates(folder);
        write_configuration(folder, hash);
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().unwrap();
        let folder = folder.to_owned();
        let served = folder.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &served);
            }
        });
        Self { address, folder }
    }

    /// Returns its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/stamps", self.address)
    }

    /// Returns the path of its root's certificate.
    #[must_use]
    pub fn root(&self) -> String {
        self.folder.join("root.pem").display().to_string()
    }
}

/// Makes a root, and an authority with a certificate of the root.
fn make_certificates(folder: &Path) {
    let purpose = "keyUsage = critical, digitalSignature\n\
                   extendedKeyUsage = critical, timeStamping\n";
    fs::write(folder.join("own.ext"), purpose).unwrap();
    for (command, subject) in [
        (
            "req -x509 -newkey rsa:2048 -nodes -days 3650 -keyout root.key -out root.pem",
            ["-subj", "/CN=ringcopy tests root"].as_slice(),
        ),
        (
            "req -newkey rsa:2048 -nodes -keyout own.key -out own.csr",
            &["-subj", "/CN=ringcopy tests authority"],
        ),
        (
            "x509 -req -in own.csr -days 3650 -CA root.pem -CAkey root.key -CAcreateserial \
             -extfile own.ext -out own.pem",
            &[],
        ),
    ] {
        let mut arguments: Vec<&str> = command.split(' ').collect();
        arguments.extend(subject);
        let _ = openssl(folder, &arguments);
    }
}

/// Writes the configuration of `openssl ts`.
fn write_configuration(folder: &Path, hash: &str) {
    let configuration = format!(
        "[tsa]\n\
         default_tsa = authority\n\
         [authority]\n\
         serial = serial\n\
         crypto_device = builtin\n\
         signer_cert = own.pem\n\
         signer_key = own.key\n\
         certs = root.pem\n\
         signer_digest = sha256\n\
         default_policy = 1.2.3.4.1\n\
         digests = {hash}\n\
         accuracy = secs:1, millisecs:500\n\
         ess_cert_id_alg = sha256\n"
    );
    fs::write(folder.join("authority.cnf"), configuration).unwrap();
}

/// Responds to one request.
fn serve(mut stream: TcpStream, folder: &Path) {
    let mut reader = BufReader::new(&stream);
    let mut length = 0;
    for line in reader.by_ref().lines().map(Result::unwrap) {
        let line = line.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if let Some(value) = line.strip_prefix("content-type:") {
            assert_eq!(value.trim(), "application/timestamp-query");
        }
    }
    let mut request = vec![0; length];
    reader.read_exact(&mut request).unwrap();
    fs::write(folder.join("query.tsq"), request).unwrap();
    let reply = "ts -reply -config authority.cnf -queryfile query.tsq -out reply.tsr";
    let _ = openssl(folder, &reply.split(' ').collect::<Vec<_>>());
    let response = fs::read(folder.join("reply.tsr")).unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        response.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&response).unwrap();
}
