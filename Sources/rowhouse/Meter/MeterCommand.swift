import ArgumentParser
import Control
import Host
import Machine
import Metering

/// `rowhouse meter`: what a guest may use, and what it has used.
struct MeterCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "meter",
    abstract: "Shows what a guest may use and what it has used, also of one that has ended.")

  @OptionGroup var guest: OneGuest

  @Flag(help: "Say it as JSON.")
  var json = false

  func run() throws {
    let folder = try guest.guest()
    let (state, meter) = try folder.reading()
    if json {
      print(MeterDocument(folder.name.description, state, meter).json, terminator: "")
    } else {
      print(MeterText(folder.name.description, state, meter).text, terminator: "")
    }
  }
}

extension GuestFolder {
  /// The guest's meter, brought up to date where there is somebody to ask.
  func reading() throws -> (State, MeterReading) {
    let look = try [self].freshLooks()[0] ?? lookOrExplain()
    guard let meter = look.meter else {
      throw ConfigurationError("\(name)", "its VMM has not come so far as to make its meter")
    }
    return (look.state, meter)
  }
}
