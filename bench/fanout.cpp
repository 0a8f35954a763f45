// fanout: publishes to topics by one connection, and measures the way of each publication to each subscriber. Linux, one thread, epoll.
//
//   fanout [options] DIALECT PORTS SUBSCRIBERS BYTES TOPICS window|rate NUMBER SECONDS
//
// DIALECT      plain: a subscriber of the topic T042 asks for /T042, and the publisher for /publish. What is published is a text message
//              that begins with the name of its topic, and comes to subscribers as it is.
//              socket.io: Engine.IO 4 by WebSocket only. A subscriber asks for ?topic=T042. What is published is the event
//              ["publish","T042",TEXT], which comes to subscribers as ["message",TEXT].
// PORTS        those of the servers at 127.0.0.1, separated by commas. The publisher goes to the first, subscribers to all in turn.
// BYTES        the length of the text of each publication
// TOPICS       how many; publications go round them, and so do the subscribers of each server
// window       so many publications are under way at a time: the next one leaves when all subscribers have one of them
// rate         so many publications a second, whatever comes back. Their time counts from when they were due
//
// options (anywhere):
//   --warmup=S   seconds before measuring (default 0.5), not counted in SECONDS
//   --pids=P,P   reports the CPU time of these processes: of all threads (cpu_s), and of the first one alone (first_thread_s)
//   --drain=S    seconds to wait for what is under way at the end (default 3)
//
// Before it measures, it publishes until each subscriber has had something: subscriptions take time to reach other servers. Of each
// delivery, length, topic and serial number are checked, and so the order in each topic; of every 8th subscriber also the whole text.
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <algorithm>
#include <string>
#include <vector>

typedef uint64_t u64;
typedef uint32_t u32;
typedef uint8_t u8;

static const u64 SECOND = 1000000000ull, MS = 1000000ull;

static u64 nowNs() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (u64)t.tv_sec * SECOND + (u64)t.tv_nsec;
}

static void die(const char *what) {
  fprintf(stderr, "fanout: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
  exit(2);
}

// ---- times

// Log-linear histogram of nanoseconds, 64 parts of each power of two: the error is less than 1.6 %.
struct Histogram {
  static const int BITS = 6;
  std::vector<u64> counts = std::vector<u64>((64 - BITS + 1) << BITS);
  u64 total = 0, greatest = 0;

  void add(u64 value) {
    size_t i = value;
    if (value >= (1u << BITS)) {
      int shift = 63 - __builtin_clzll(value) - BITS;
      i = ((size_t)(shift + 1) << BITS) + ((value >> shift) & ((1u << BITS) - 1));
    }
    counts[i]++;
    total++;
    greatest = std::max(greatest, value);
  }

  double micros(double part) const {
    u64 wanted = std::max<u64>(1, (u64)ceil(part * (double)total)), seen = 0;
    for (size_t i = 0; total && i < counts.size(); i++) {
      seen += counts[i];
      if (seen < wanted) continue;
      if (i < (1u << BITS)) return (double)i / 1e3;
      int shift = (int)(i >> BITS) - 1;
      u64 least = (u64)((1u << BITS) + (i & ((1u << BITS) - 1))) << shift;
      return (double)std::min<u64>(greatest, least + ((1ull << shift) >> 1)) / 1e3;
    }
    return 0;
  }
};

// The CPU time that a file schedstat tells, in seconds: more exact than stat, which has ticks of 10 ms. NAN if there is no such file.
static double schedstatSeconds(const char *file) {
  FILE *opened = fopen(file, "r");
  if (!opened) return NAN;
  unsigned long long ns = 0;
  bool isRead = fscanf(opened, "%llu", &ns) == 1;
  fclose(opened);
  return isRead ? (double)ns / 1e9 : NAN;
}

static double firstThreadSeconds(long pid) {
  char file[100];
  snprintf(file, sizeof file, "/proc/%ld/task/%ld/schedstat", pid, pid);
  return schedstatSeconds(file);
}

// The CPU time of all threads.
static double cpuSeconds(long pid) {
  char file[300];
  snprintf(file, sizeof file, "/proc/%ld/task", pid);
  DIR *folder = opendir(file);
  if (!folder) return NAN;
  double all = 0;
  while (dirent *entry = readdir(folder)) {
    if (entry->d_name[0] == '.') continue;
    snprintf(file, sizeof file, "/proc/%ld/task/%s/schedstat", pid, entry->d_name);
    double seconds = schedstatSeconds(file);
    if (!isnan(seconds)) all += seconds; // otherwise it has ended
  }
  closedir(folder);
  return all;
}

static double ownCpuSeconds() {
  rusage r;
  getrusage(RUSAGE_SELF, &r);
  return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

// ---- what is measured

enum Stage : u8 { CONNECTING, ASKED, GREETED, OPEN, GONE }; // GREETED: of Socket.IO only, until the namespace is joined

struct Connection {
  u32 id = 0, server = 0, topic = 0;
  bool isPublisher = false, hasHeard = false, wantsOut = false;
  Stage stage = CONNECTING;
  int fd = -1;
  std::string in;  // of a frame or an HTTP answer that is not whole yet
  std::string out; // what the kernel has not taken
  u64 next = 0;    // the serial number that must come next
};

// A publication under way.
struct Flight {
  u64 since = 0;
  u32 arrived = 0;
};

struct Topic {
  char name[8];
  u32 subscribers = 0;
  u64 published = 0, completed = 0;
  std::vector<Flight> flights; // by serial number, a ring
};

static bool isSocketIo;
static std::vector<int> ports;
static size_t bytes;
static std::vector<Connection> connections; // the publisher is the last
static std::vector<Topic> topics;
static std::string text; // of the next publication; all but its beginning is always the same
static const size_t NAME = 4, KIND = 5, SERIAL = 6, DIGITS = 10, FILLER = 17;
static const char COUNTED = 'S', PRIMER = 'P';
static const std::string EVENT_HEAD = "42[\"message\",\"", EVENT_TAIL = "\"]";
static const size_t MOST_UNDER_WAY = 4096; // in a topic

static int poll;
static const size_t READ_BYTES = 256 * 1024;
static u8 *readBuffer;
static u32 open_, unheard;
static u64 errors_, deliveries, completed, underWay, lastPrimer;
static Histogram *near, *far_; // to subscribers of the publisher's server, and of the others

static void complain(const Connection &c, const char *what, u64 found = 0, u64 wanted = 0) {
  if (errors_++ >= 10) return;
  fprintf(stderr, "connection %u of server %u: %s (%llu, wanted %llu)\n", c.id, c.server, what, (unsigned long long)found, (unsigned long long)wanted);
}

static void drop(Connection &c) {
  if (c.stage == GONE) return;
  if (c.stage == OPEN) open_--;
  c.stage = GONE;
  close(c.fd);
}

static void watch(Connection &c, int how, u32 events) {
  epoll_event event;
  event.events = events;
  event.data.ptr = &c;
  if (epoll_ctl(poll, how, c.fd, &event)) die("epoll_ctl");
}

static void flush(Connection &c) {
  while (!c.out.empty()) {
    ssize_t n = send(c.fd, c.out.data(), c.out.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) {
      complain(c, "send failed", (u64)errno);
      return drop(c);
    }
    if (n < 0) break;
    c.out.erase(0, (size_t)n);
  }
  bool wantsOut = !c.out.empty();
  if (wantsOut != c.wantsOut) watch(c, EPOLL_CTL_MOD, EPOLLIN | (wantsOut ? (u32)EPOLLOUT : 0u));
  c.wantsOut = wantsOut;
}

// Appends a masked frame.
static void frame(Connection &c, int opcode, const char *payload, size_t length) {
  static u64 random = 88172645463325252ull;
  random ^= random << 13, random ^= random >> 7, random ^= random << 17;
  u8 key[4], head[14] = {(u8)(0x80 | opcode)};
  u32 word = (u32)(random >> 16);
  memcpy(key, &word, 4);
  size_t n = 2;
  if (length < 126) head[1] = (u8)(0x80 | length);
  else if (length < 65536) head[1] = 0x80 | 126, head[2] = (u8)(length >> 8), head[3] = (u8)length, n = 4;
  else {
    head[1] = 0x80 | 127, n = 10;
    for (int i = 0; i < 8; i++) head[2 + i] = (u8)((u64)length >> (56 - 8 * i));
  }
  memcpy(head + n, key, 4);
  c.out.append((char *)head, n + 4);
  size_t at = c.out.size();
  c.out.append(payload, length);
  char *p = &c.out[at];
  for (size_t i = 0; i < length; i++) p[i] = (char)(p[i] ^ key[i & 3]);
}

static void publish(Topic &topic, char kind, u64 serial) {
  Connection &publisher = connections.back();
  memcpy(&text[0], topic.name, NAME);
  text[KIND] = kind;
  for (size_t i = DIGITS; i-- > 0; serial /= 10) text[SERIAL + i] = (char)('0' + serial % 10);
  if (!isSocketIo) return frame(publisher, 1, text.data(), text.size());
  std::string event = std::string("42[\"publish\",\"") + topic.name + "\",\"" + text + "\"]";
  frame(publisher, 1, event.data(), event.size());
}

// The publication that is next in turn. It was due at this time.
static void publishNext(u64 due) {
  static size_t turn = 0;
  Topic &topic = topics[turn];
  turn = (turn + 1) % topics.size();
  if (topic.published - topic.completed == MOST_UNDER_WAY) return complain(connections.back(), "the servers do not keep up", MOST_UNDER_WAY);
  topic.flights[topic.published % MOST_UNDER_WAY] = {due, 0};
  publish(topic, COUNTED, topic.published++);
  underWay++;
}

// ---- what comes

static void deliver(Connection &c, const char *p, size_t length, u64 now) {
  if (isSocketIo) {
    size_t around = EVENT_HEAD.size() + EVENT_TAIL.size();
    if (length < around || memcmp(p, EVENT_HEAD.data(), EVENT_HEAD.size()) || memcmp(p + length - EVENT_TAIL.size(), EVENT_TAIL.data(), EVENT_TAIL.size())) return complain(c, "another packet than an event", length);
    p += EVENT_HEAD.size(), length -= around;
  }
  if (c.isPublisher) return complain(c, "the publisher has got a message", length);
  if (length != bytes) return complain(c, "length", length, bytes);
  Topic &topic = topics[c.topic];
  if (memcmp(p, topic.name, NAME)) return complain(c, "another topic");
  if (!c.hasHeard || c.id % 8 == 0) {
    if (memcmp(p + FILLER, text.data() + FILLER, bytes - FILLER)) complain(c, "another text");
  }
  if (p[KIND] == PRIMER) {
    if (!c.hasHeard) c.hasHeard = true, unheard--;
    lastPrimer = now;
    return;
  }
  u64 serial = 0;
  for (size_t i = 0; i < DIGITS; i++) serial = serial * 10 + (u64)(p[SERIAL + i] - '0');
  if (p[KIND] != COUNTED || serial >= topic.published) return complain(c, "what was not published", serial, topic.published);
  if (serial != c.next) complain(c, "order", serial, c.next);
  if (serial < c.next) return;
  c.next = serial + 1;
  Flight &flight = topic.flights[serial % MOST_UNDER_WAY];
  (c.server == 0 ? near : far_)->add(now - flight.since);
  deliveries++;
  if (++flight.arrived < topic.subscribers) return;
  topic.completed++, completed++, underWay--;
}

static void opened(Connection &c) {
  c.stage = OPEN;
  open_++;
}

// A whole frame has come.
static void onFrame(Connection &c, u8 first, const char *payload, size_t length, u64 now) {
  int opcode = first & 15;
  if (first == 0x89) {
    frame(c, 10, payload, length);
    return flush(c);
  }
  if (opcode == 8) {
    complain(c, "closed by the server", length >= 2 ? (u64)((u8)payload[0] << 8 | (u8)payload[1]) : 1005);
    return drop(c);
  }
  if (opcode == 10) return;
  if (first != 0x81) return complain(c, "a frame that is not a whole text message", first, 0x81);
  if (isSocketIo && length == 1 && *payload == '2') { // a ping of Engine.IO
    frame(c, 1, "3", 1);
    return flush(c);
  }
  if (c.stage == OPEN) return deliver(c, payload, length, now);
  if (length >= 2 && *payload == '0' && payload[1] == '{') { // the session of Engine.IO: the namespace is joined
    frame(c, 1, "40", 2);
    return flush(c);
  }
  if (length >= 3 && !memcmp(payload, "40{", 3)) return opened(c);
  complain(c, "neither a session nor a namespace", length);
}

// Takes whole frames. Returns how many bytes they were.
static size_t consume(Connection &c, const u8 *p, size_t length, u64 now) {
  size_t at = 0;
  if (c.stage == ASKED) {
    static const char accept[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    std::string head((const char *)p, length);
    size_t blank = head.find("\r\n\r\n");
    if (blank == std::string::npos) return 0;
    errno = 0;
    if (head.compare(0, 12, "HTTP/1.1 101") || head.find(accept) > blank) {
      fprintf(stderr, "%s\n", head.c_str());
      die("the handshake was refused");
    }
    at = blank + 4;
    if (isSocketIo) c.stage = GREETED;
    else opened(c);
  }
  while (c.stage != GONE) {
    const u8 *f = p + at;
    size_t left = length - at, header = 2;
    if (left < 2) break;
    u64 payload = f[1] & 0x7f;
    if (payload == 126) header = 4;
    if (payload == 127) header = 10;
    if (left < header) break;
    if (header > 2) payload = 0;
    for (size_t i = 2; i < header; i++) payload = payload << 8 | f[i];
    if (f[1] & 0x80 || payload > READ_BYTES / 2) {
      complain(c, "a frame that is masked or too long", payload);
      drop(c);
      break;
    }
    if (left < header + payload) break;
    onFrame(c, f[0], (const char *)f + header, payload, now);
    at += header + payload;
  }
  return at;
}

static void onReadable(Connection &c) {
  while (c.stage != GONE) {
    size_t kept = c.in.size();
    memcpy(readBuffer, c.in.data(), kept);
    ssize_t n = recv(c.fd, readBuffer + kept, READ_BYTES - kept, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      complain(c, "the connection is lost", n < 0 ? (u64)errno : 0);
      return drop(c);
    }
    size_t came = kept + (size_t)n, used = consume(c, readBuffer, came, nowNs());
    c.in.assign((char *)readBuffer + used, came - used);
    if (came < READ_BYTES) return;
  }
}

// ---- opening

static void dial(Connection &c) {
  c.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (c.fd < 0) die("socket");
  int one = 1;
  setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  sockaddr_in address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons((uint16_t)ports[c.server]);
  if (connect(c.fd, (sockaddr *)&address, sizeof address) && errno != EINPROGRESS) die("connect");
  watch(c, EPOLL_CTL_ADD, EPOLLOUT);
}

static void ask(Connection &c) {
  int failure = 0;
  socklen_t size = sizeof failure;
  getsockopt(c.fd, SOL_SOCKET, SO_ERROR, &failure, &size);
  errno = failure;
  if (failure) die("connect");
  std::string topic = c.isPublisher ? "" : topics[c.topic].name;
  std::string path = isSocketIo ? "/socket.io/?EIO=4&transport=websocket" + (c.isPublisher ? "" : "&topic=" + topic) : "/" + (c.isPublisher ? "publish" : topic);
  c.out = "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(ports[c.server]) +
    "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  c.stage = ASKED;
  c.wantsOut = true;
  flush(c);
}

static void handle(const epoll_event &event) {
  Connection &c = *(Connection *)event.data.ptr;
  if (c.stage == GONE) return;
  if (c.stage == CONNECTING) return ask(c);
  if (event.events & EPOLLOUT) flush(c);
  if (event.events & ~(u32)EPOLLOUT) onReadable(c);
}

static int timer = -1; // of a rate

// Handles what has come, waiting for it at most so long.
static void turn(int waitMs) {
  epoll_event events[1024];
  int n = epoll_wait(poll, events, 1024, waitMs);
  for (int i = 0; i < n; i++) {
    u64 expirations;
    if (events[i].data.ptr == &timer) (void)!read(timer, &expirations, sizeof expirations);
    else handle(events[i]);
  }
}

static void openAll() {
  size_t next = 0;
  for (u64 end = nowNs() + 20 * SECOND; open_ < connections.size();) {
    for (; next < connections.size() && next < open_ + 64; next++) dial(connections[next]);
    turn(100);
    errno = 0;
    if (errors_) die("not all connections were opened");
    if (nowNs() > end) die("the servers do not open all connections");
  }
}

// Publishes until each subscriber has had something, and nothing more comes.
static void prime() {
  Connection &publisher = connections.back();
  u64 begin = nowNs();
  for (u64 next = begin; unheard; turn(10)) {
    u64 now = nowNs();
    errno = 0;
    if (publisher.stage != OPEN) die("the publisher has lost its connection");
    if (now > begin + 15 * SECOND) die("publications do not reach all subscribers");
    if (now < next) continue;
    for (Topic &topic : topics) publish(topic, PRIMER, 0);
    flush(publisher);
    next = now + 100 * MS;
  }
  while (nowNs() < lastPrimer + 250 * MS) turn(10);
}

// ---- a run

struct Load {
  bool isWindow = false;
  double number = 0, seconds = 0, warmUpSeconds = 0.5, drainSeconds = 3;
  std::vector<long> pids;
};

static void startTimer(u64 first, double perSecond) {
  timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  u64 every = (u64)(1e9 / perSecond);
  itimerspec times;
  times.it_value = {(time_t)(first / SECOND), (long)(first % SECOND)};
  times.it_interval = {(time_t)(every / SECOND), (long)(every % SECOND)};
  epoll_event event;
  event.events = EPOLLIN;
  event.data.ptr = &timer;
  if (timer < 0 || timerfd_settime(timer, TFD_TIMER_ABSTIME, &times, nullptr) || epoll_ctl(poll, EPOLL_CTL_ADD, timer, &event)) die("timerfd");
}

static void printTimes(const char *name, const Histogram &times) {
  printf(",\"%s\":{\"deliveries\":%llu,\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f}", name, (unsigned long long)times.total, times.micros(.5), times.micros(.99), (double)times.greatest / 1e3);
}

static void printList(const char *name, const std::vector<double> &values) {
  printf(",\"%s\":[", name);
  for (size_t i = 0; i < values.size(); i++) printf("%s%.6f", i ? "," : "", values[i]);
  printf("]");
}

static int run(const Load &load) {
  Connection &publisher = connections.back();
  u64 begin = nowNs(), due = begin + MS, every = load.isWindow ? 0 : (u64)(1e9 / load.number);
  u64 start = begin + (u64)(load.warmUpSeconds * 1e9), end = start + (u64)(load.seconds * 1e9);
  if (!load.isWindow) startTimer(due, load.number);
  bool isMeasuring = false;
  std::vector<double> cpu, firstThread;
  double ownCpu = 0;
  u64 now = begin, firstCompleted = 0, measuredSince = 0;
  auto publishWhatIsDue = [&] {
    if (load.isWindow) while (underWay < (u64)load.number) publishNext(now);
    else for (; due <= now; due += every) publishNext(due);
    flush(publisher);
  };
  for (; now < end && publisher.stage == OPEN; now = nowNs()) {
    if (!isMeasuring && now >= start) {
      isMeasuring = true, measuredSince = now, deliveries = 0, firstCompleted = completed;
      *near = Histogram(), *far_ = Histogram();
      for (long pid : load.pids) cpu.push_back(cpuSeconds(pid)), firstThread.push_back(firstThreadSeconds(pid));
      ownCpu = ownCpuSeconds();
      end = now + (u64)(load.seconds * 1e9);
    }
    publishWhatIsDue();
    turn(10);
  }
  double elapsed = (double)(now - measuredSince) / 1e9;
  ownCpu = ownCpuSeconds() - ownCpu;
  for (size_t i = 0; i < cpu.size(); i++) {
    cpu[i] = cpuSeconds(load.pids[i]) - cpu[i];
    firstThread[i] = firstThreadSeconds(load.pids[i]) - firstThread[i];
  }
  u64 measured = deliveries, publications = completed - firstCompleted;
  Histogram nearTimes = *near, farTimes = *far_; // what comes while the rest is waited for does not count

  for (u64 until = now + (u64)(load.drainSeconds * 1e9); underWay && nowNs() < until;) turn(10);
  u64 lost = 0;
  for (const Topic &topic : topics)
    for (u64 serial = topic.completed; serial < topic.published; serial++) lost += topic.subscribers - topic.flights[serial % MOST_UNDER_WAY].arrived;
  size_t gone = connections.size() - open_;
  for (Connection &c : connections) {
    if (c.stage != OPEN) continue;
    frame(c, 8, "\x03\xe8", 2);
    flush(c);
  }
  printf("{\"seconds\":%.3f,\"publications\":%llu,\"deliveries\":%llu", elapsed, (unsigned long long)publications, (unsigned long long)measured);
  printTimes("near", nearTimes);
  printTimes("far", farTimes);
  printList("cpu_s", cpu);
  printList("first_thread_s", firstThread);
  printf(",\"client_cpu_s\":%.6f,\"errors\":%llu,\"lost\":%llu,\"connections_lost\":%zu}\n", ownCpu, (unsigned long long)errors_, (unsigned long long)lost, gone);
  return errors_ || lost || gone ? 1 : 0;
}

static std::vector<long> numbers(const char *list) {
  std::vector<long> all;
  for (const char *p = list; *p;) {
    char *rest;
    all.push_back(strtol(p, &rest, 10));
    if (rest == p || all.back() < 1 || (*rest && *rest != ',')) die("a list of numbers is wanted, separated by commas");
    p = *rest ? rest + 1 : rest;
  }
  return all;
}

int main(int argc, char **argv) {
  std::vector<const char *> args;
  Load load;
  for (int i = 1; i < argc; i++) {
    const char *arg = argv[i];
    if (strncmp(arg, "--", 2)) args.push_back(arg);
    else if (!strncmp(arg, "--warmup=", 9)) load.warmUpSeconds = atof(arg + 9);
    else if (!strncmp(arg, "--pids=", 7)) load.pids = numbers(arg + 7);
    else if (!strncmp(arg, "--drain=", 8)) load.drainSeconds = atof(arg + 8);
    else die("unknown option");
  }
  if (args.size() != 8) die("usage: fanout [--warmup=S --pids=P,P --drain=S] plain|socket.io PORTS SUBSCRIBERS BYTES TOPICS window|rate NUMBER SECONDS");
  isSocketIo = !strcmp(args[0], "socket.io");
  for (long port : numbers(args[1])) ports.push_back((int)port);
  size_t subscribers = (size_t)atoll(args[2]), count = (size_t)atoll(args[4]);
  bytes = (size_t)atoll(args[3]);
  load.isWindow = !strcmp(args[5], "window");
  load.number = atof(args[6]), load.seconds = atof(args[7]);
  if (ports.empty() || count < 1 || count > 999 || bytes < 32 || bytes > 65536 || load.number <= 0 || load.seconds <= 0 ||
      (load.isWindow && load.number > (double)MOST_UNDER_WAY)) die("bad arguments");
  if (subscribers < count * ports.size() || subscribers % (count * ports.size())) die("each server must have as many subscribers of each topic");

  poll = epoll_create1(EPOLL_CLOEXEC);
  readBuffer = (u8 *)aligned_alloc(4096, READ_BYTES);
  near = new Histogram, far_ = new Histogram;
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789";
  text = std::string(bytes, ' ');
  u64 random = 0x9E3779B97F4A7C15ull;
  for (size_t i = FILLER; i < bytes; i++) {
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    text[i] = letters[(random >> 24) % (sizeof letters - 1)];
  }
  topics.resize(count);
  for (size_t i = 0; i < count; i++) {
    snprintf(topics[i].name, sizeof topics[i].name, "T%03u", (unsigned)i % 1000);
    topics[i].flights.resize(MOST_UNDER_WAY);
  }
  connections.resize(subscribers + 1);
  for (u32 i = 0; i < connections.size(); i++) {
    Connection &c = connections[i];
    c.id = i, c.isPublisher = i == subscribers;
    c.server = c.isPublisher ? 0 : i % (u32)ports.size();
    c.topic = c.isPublisher ? 0 : i / (u32)ports.size() % (u32)count;
    if (!c.isPublisher) topics[c.topic].subscribers++;
  }
  unheard = (u32)subscribers;
  openAll();
  prime();
  return run(load);
}
