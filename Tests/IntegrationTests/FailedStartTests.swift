import Foundation
import Host
import Metering
import RefusedCalls
import Testing

/// Starts that the host lets fail when the VMM is there already: its guest may run by then.
@Suite("Starts that fail late")
final class FailedStartTests {
  private let folder = FileManager.default.temporaryDirectory.path + "/start-\(UUID().uuidString)"

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// A VMM that says of a guest that it runs, then that it has said so, and goes on for a minute.
  private static let vmm = """
    #!/usr/bin/perl
    open(my $ready, '<', 'ready'); read($ready, my $page, 1 << 20); close($ready);
    open(my $meter, '>&=', 3); syswrite($meter, $page);
    open(my $ran, '>', 'ran'); close($ran);
    sleep(60);

    """

  @Test("The VMM is ended, and what its guest used is written down", arguments: ["", "--detach"])
  func lateFailure(option: String) throws {
    let files = FileManager.default
    try files.createDirectory(atPath: folder + "/run", withIntermediateDirectories: true)
    try files.copyItem(atPath: GuestRunner.root + "/bin/rowhouse", toPath: folder + "/rowhouse")
    try Descriptor.open(folder + "/rowhouse-vmm", [.writeOnly, .create], permissions: 0o700).writeAll(Self.vmm)
    let run = try makeMeter()

    // It cannot wait for its VMM. That does not hear SIGTERM, so mostly there is time for its guest to run.
    let command = "trap '' TERM; exec ./rowhouse run \(option) --name one \(GuestRunner.root)/guests/build/echo.elf"
    let words = [
      "-C", folder, "XDG_RUNTIME_DIR=\(folder)/run", "XDG_STATE_HOME=\(folder)/state", "sh", "-c", command,
    ]
    let said = SharedDescriptor(try .open(folder + "/said", [.readWrite, .create]))
    let end = try onItsOwnThread {
      let nothing = try Descriptor.open("/dev/null", .readWrite)
      try RefusedCall.waitForEvents.refuse()
      let start = try ChildProcess("/usr/bin/env", words, descriptors: [nothing.number, said.number, said.number])
      while true {
        if let collected = try start.collect() { return collected.end }
        usleep(1000)
      }
    }

    let text = try String(contentsOfFile: folder + "/said", encoding: .utf8)
    #expect(end == .exited(status: 1) && text == "rowhouse: the host refused epoll_wait: Operation not permitted\n")
    #expect(try living() == [])
    #expect(try files.contentsOfDirectory(atPath: folder + "/run/rowhouse") == [])
    if files.fileExists(atPath: folder + "/ran") {
      let ledger = try String(contentsOfFile: folder + "/state/rowhouse/ledger.jsonl", encoding: .utf8)
      #expect(ledger.split(separator: "\n").map { $0.contains(run) } == [true])
    }
  }

  /// Makes the file `ready`: the meter of a guest that runs.
  ///
  /// - Returns: what the ledger knows the run by.
  private func makeMeter() throws -> String {
    let file = SharedDescriptor(try .open(folder + "/ready", [.readWrite, .create]))
    let page = try MeterPage(
      in: file, MeterShape(cpuCount: 1, diskCount: 0, networkCount: 0), memoryBytes: 1 << 20, process: getpid())
    page.set(.running)
    page.reached(.processStarted)
    page.reached(.guestStarted)
    return try #require(try MeterReading(of: file.descriptor)).run
  }

  /// The processes that were started in the folder.
  private func living() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { process in
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/cwd")) == folder
    }
  }
}
