//! What else is on the line.

use proptest::prelude::*;
use ringcopy_client::guest::serve;
use ringcopy_guest_protocol::{Command, ToHost, encode};

use crate::{Line, TestMachine, folder::Folder, run};

#[test]
fn noise_echoes_and_damaged_packets_are_passed_over() {
    let folder = Folder::new("guest-noise");
    let mut machine = TestMachine::default();
    let request = encode(&run(1, Command::Info)).unwrap();
    let mut damaged = request.clone();
    damaged[20] ^= 1;
    let echo = encode(&ToHost::ShuttingDown).unwrap();
    let mut line = Line::default();
    let noise = [
        b"\x1b[2JBdsDxe: loading\r\n".as_slice(),
        &damaged,
        &echo,
        &request[..9],
    ]
    .concat();
    line.incoming.extend(noise.chunks(3).map(<[u8]>::to_vec));
    line.incoming.extend(request.chunks(1).map(<[u8]>::to_vec));
    serve(&mut line, &mut machine, folder.at()).unwrap();
    assert_eq!(machine.ran, ["info"]);
}

proptest! {
    #[test]
    fn nothing_but_a_command_runs_one(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        let folder = Folder::new("guest-fuzz");
        let mut machine = TestMachine::default();
        let mut line = Line::default();
        line.incoming.extend(bytes.chunks(100).map(<[u8]>::to_vec));
        serve(&mut line, &mut machine, folder.at()).unwrap();
        prop_assert!(machine.ran.is_empty());
    }
}
