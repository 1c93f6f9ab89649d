import Control
import Foundation
import Host
import Machine
import Synchronization
import Testing

@testable import rowhouse

/// What a guest's VMM is asked, and what comes of answers that are none. The VMM is played by the test.
@Suite(.timeLimit(.minutes(1))) struct ControlClientTests {
  private let folder: GuestFolder
  private let listener: StreamListener

  init() throws {
    folder = try GuestFolder.made()
    listener = try StreamListener(at: folder.path(of: .control))
  }

  /// What asking comes to when this is the answer.
  private func outcome(of answer: [UInt8]) throws -> ControlFault? {
    var client = try ControlClient(folder)
    client.send(.pause)
    let peer = try Self.next(at: listener)
    try peer.descriptor.writeAll(answer)
    do throws(ControlClient.Failure) {
      _ = try client.awaitReply(until: .now.advanced(byNanoseconds: 20_000_000_000))
    } catch {
      if case .refused(let fault) = error { return fault }
      throw error
    }
    return nil
  }

  @Test func anotherVersionIsSaid() throws {
    defer { try? Folder.remove(folder.path) }
    var frame = ControlReply.done.frame(id: 1).bytes
    #expect(try outcome(of: frame) == nil)
    frame[4] = 2
    #expect(try outcome(of: frame) == .otherVersion)
    #expect(try outcome(of: ControlReply.refused(.otherVersion).frame(id: 0).bytes) == .otherVersion)
  }

  /// Only what another argument would mend has the status of wrong arguments.
  @Test func theMomentIsNoWrongArgument() {
    defer { try? Folder.remove(folder.path) }
    for fault in ControlFault.allCases {
      let isUsage = folder.explanation(of: fault, "memory=1M") is ConfigurationError
      let mends: [ControlFault] = [.outOfRange, .noSuchDevice, .notAllowed, .noControlGroup, .refusedByHost]
      #expect(isUsage == mends.contains(fault), "\(fault)")
    }
    #expect(folder.explanation(of: .gone, "one") is HostError)
  }

  @Test func whoIsBusyIsAskedAgain() throws {
    defer { try? Folder.remove(folder.path) }
    let meter = try Descriptor.open(folder.path(of: .meter), [.readWrite, .create, .exclusive], permissions: 0o600)
    try meter.lockByte(0)
    let listener = listener
    let vmm = try Thread(named: "vmm") {
      var refusals = 3
      while let peer = try? Self.next(at: listener) {
        let reply = refusals > 0 ? ControlReply.refused(.busy).frame(id: 0) : ControlReply.done.frame(id: 1)
        try? peer.descriptor.writeAll(reply.bytes)
        refusals -= 1
        if refusals < 0 { break }
      }
    }
    var round = ControlRound([.pause], to: [folder])
    #expect(round.lastingFailures(until: .now.advanced(byNanoseconds: 20_000_000_000)).isEmpty)
    vmm.join()
  }

  /// Those who have come and gone fill the queue of a VMM that stands still. When it goes on, it is asked again.
  @Test func aFullQueueIsSilenceThatMayPass() throws {
    defer { try? Folder.remove(folder.path) }
    let meter = try Descriptor.open(folder.path(of: .meter), [.readWrite, .create, .exclusive], permissions: 0o600)
    try meter.lockByte(0)
    var waiting = 0
    while comesAndGoes(), waiting < 100_000 { waiting += 1 }
    do throws(ControlClient.Failure) {
      _ = try ControlClient(folder)
      Issue.record("\(waiting) wait, and there is room")
    } catch {
      #expect("\(folder.explanation(of: error, "one"))".contains("does not answer"), "\(error)")
    }

    let listener = listener
    let isOver = Atomic<Bool>(false)
    let vmm = try Thread(named: "vmm") {
      usleep(50_000)
      let done = ControlReply.done.frame(id: 1).bytes
      while !isOver.load(ordering: .relaxed) {
        do {
          // SAFETY: the array is alive for the call.
          if let peer = try listener.accept() {
            _ = try unsafe done.withUnsafeBytes { try unsafe peer.sendWithoutWaiting($0) }
          }
        } catch {
          // Who has gone takes nothing.
        }
      }
    }
    var round = ControlRound([.pause], to: [folder])
    #expect(round.lastingFailures(until: .now.advanced(byNanoseconds: 20_000_000_000)).isEmpty)
    isOver.store(true, ordering: .relaxed)
    vmm.join()
  }

  private func comesAndGoes() -> Bool {
    do throws(SystemCallError) {
      _ = try folder.connect(to: .control)
      return true
    } catch {
      return false
    }
  }

  private static func next(at listener: StreamListener) throws -> SharedDescriptor {
    while true {
      if let peer = try listener.accept() { return SharedDescriptor(peer) }
      usleep(1000)
    }
  }
}
