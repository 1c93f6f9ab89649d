import ArgumentParser
import Glibc
import Host
import Machine

/// `rowhouse host`: how this machine is divided between the guests.
struct HostCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "host",
    abstract: "Shows how this machine is divided: what guests may use and do use of it, a bar for each.")

  @Flag(help: "Say it as JSON.")
  var json = false

  func run() throws {
    let division = HostDivision(try Street())
    print(json ? HostDocument(division).json : division.text, terminator: "")
  }
}

private struct HostDocument: JSONDocument {
  let guests: Int
  let cpus: Int
  /// Hundredths of a per cent of one CPU. Guests without a quota may use a whole one for each of theirs.
  let cpuAllottedBasisPoints: UInt64
  let cpuUsedBasisPoints: UInt64
  let memoryBytes: UInt64
  let memoryAllottedBytes: UInt64
  let memoryResidentBytes: UInt64

  init(_ division: HostDivision) {
    guests = division.guests
    cpus = division.cpuCount
    cpuAllottedBasisPoints = division.cpuAllotted
    cpuUsedBasisPoints = division.cpuUsed
    memoryBytes = division.memoryBytes
    memoryAllottedBytes = division.memoryAllotted
    memoryResidentBytes = division.memoryResident
  }
}
