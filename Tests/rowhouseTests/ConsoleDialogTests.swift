import Control
import Foundation
import Glibc
import Host
import Testing

@testable import rowhouse

/// A script's word with a console whose VMM is played by the test.
@Suite(.timeLimit(.minutes(1))) struct ConsoleDialogTests {
  private let folder: GuestFolder
  private let listener: StreamListener

  init() throws {
    folder = try GuestFolder.made()
    listener = try StreamListener(at: folder.path(of: .console))
  }

  private static func say(_ text: String, to viewer: SharedDescriptor) {
    try? viewer.descriptor.writeAll(ConsoleMessage.output(Array(text.utf8)).frame().bytes)
  }

  private func dialog(nanoseconds: UInt64) throws -> ConsoleDialog {
    try ConsoleDialog(
      SharedDescriptor(try folder.connect(to: .console)), ConsoleAttachment(replayBytes: 0, writing: .never),
      typing: nil, expecting: Expectation("num=([0-9]+)"), nanoseconds: nanoseconds,
      silenceNanoseconds: 40_000_000_000)
  }

  /// Who has connected.
  private func viewer() throws -> SharedDescriptor? {
    guard let connection = try listener.accept() else { return nil }
    return SharedDescriptor(connection)
  }

  @Test func aMatchThatMayGoOnIsLeftTo() throws {
    defer { try? Folder.remove(folder.path) }
    let dialog = try dialog(nanoseconds: 50_000_000_000)
    let viewer = try #require(try viewer())
    Self.say("num=12", to: viewer)
    let guest = try Thread(named: "guest") {
      usleep(200_000)
      Self.say("345 ", to: viewer)
    }
    #expect(try dialog.run() == .matched("12345"))
    guest.join()
  }

  @Test func aMatchThatMayGoOnCountsWhenTheTimeIsOver() throws {
    defer { try? Folder.remove(folder.path) }
    let dialog = try dialog(nanoseconds: 2_000_000_000)
    let viewer = try #require(try viewer())
    Self.say("num=12", to: viewer)
    #expect(try dialog.run() == .matched("12"))
  }
}
