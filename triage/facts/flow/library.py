"""What is known of languages, frameworks and libraries: where data comes in, what makes it harmless, what passes it on.

Names are canonical: Python's and JavaScript's by module, whatever they were imported as; Java's by class and method.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from triage.facts.families import Family
from triage.facts.wordlists import words

HTML = frozenset({Family.XSS})
SHELL = frozenset({Family.COMMAND})
FILE_NAME = frozenset({Family.PATH})
DIRECTORY = frozenset({Family.LDAP})
QUERY = frozenset({Family.XPATH})
ADDRESS_PART = frozenset[Family]()

# What a number cannot do harm in: everything that reads text.
NUMBER_IS_HARMLESS_FOR = frozenset(Family)


@dataclass(frozen=True)
class Encoder:
    """A function that makes text harmless for some families; not `is_certain` where that depends on where it goes."""

    families: frozenset[Family]
    is_certain: bool = True


@dataclass(frozen=True)
class Library:
    """The knowledge of one language."""

    request_members: frozenset[str]
    request_methods: frozenset[str]
    request_paths: frozenset[str] = frozenset()
    local_sources: Mapping[str, str] = field(default_factory=dict)
    numbers: frozenset[str] = frozenset()
    encoders: Mapping[str, Encoder] = field(default_factory=dict)
    method_encoders: Mapping[str, Encoder] = field(default_factory=dict)
    passing: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    harmless: frozenset[str] = frozenset()
    maps: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    holders: frozenset[str] = frozenset()
    streams: frozenset[str] = frozenset()
    displays: frozenset[str] = frozenset()
    wrappers: frozenset[str] = frozenset()
    endings: frozenset[str] = frozenset()


# Methods whose answer is a number or yes and no, whatever they were asked about.
HARMLESS_METHODS = words(
    """
    length size count hashCode equals equalsIgnoreCase contains containsKey containsValue isEmpty startsWith
    endsWith indexOf lastIndexOf includes matches isdigit isalpha isalnum isnumeric isdecimal startswith endswith
    test compareTo compareToIgnoreCase has hasMoreElements hasNext has_key isBlank isPresent charCodeAt codePointAt
    """
)
# Methods of texts and of file names, whose answer is made of the receiver and the arguments only.
TEXT_METHODS = words(
    """
    toString trim strip lstrip rstrip lower upper toLowerCase toUpperCase casefold title capitalize swapcase encode
    decode replace replaceAll replaceFirst substring substr slice concat format formatted join split splitlines rsplit
    partition rpartition removeprefix removesuffix ljust rjust center zfill expandtabs translate getBytes toCharArray
    charAt repeat padStart padEnd trimStart trimEnd normalize intern stripLeading stripTrailing toAbsolutePath toPath
    toFile getPath getAbsolutePath getCanonicalPath resolve relativize getParent hex as_posix joinpath with_name
    with_suffix toLocaleLowerCase toLocaleUpperCase subSequence
    """
)
# Methods of things that hold other things, which give those.
CONTENT_METHODS = words(
    """
    valueOf at nextToken nextElement next group tobytes copy getName match getValue orElse get getOrDefault keys values
    items elements entrySet keySet toArray iterator stream reverse sort map filter flat subarray toJSON
    """
)
PASSING_METHODS = TEXT_METHODS | CONTENT_METHODS

# Methods that do not change what an object was made of, though they are handed things.
INERT_METHODS = words(
    """
    write print println printf close flush read readLine seek readlines readline writelines
    """
)
# Methods that hand an object what it will run, and do not change that.
LOADING_METHODS = frozenset({"command", "directory"})

PYTHON = Library(
    request_members=words(
        """
        args form values json data cookies headers files query_string path full_path url base_url view_args GET POST
        COOKIES META FILES REQUEST body query_params path_params stream content_type matchdict params environ host
        host_url referrer user_agent match_info rel_url query arguments uri body_arguments query_arguments
        """
    ),
    request_methods=words(
        """
        get_json get_data get_full_path get_raw_uri build_absolute_uri get_host read text json form body post
        """
    ),
    request_paths=frozenset({"flask.request", "bottle.request", "quart.request", "sanic.request", "cherrypy.request"}),
    local_sources={
        "sys.argv": "command-line arguments", "os.environ": "the environment", "os.getenv": "the environment",
        "input": "typed input", "sys.stdin": "standard input", "raw_input": "typed input",
    },
    numbers=frozenset({"int", "float", "bool", "len", "abs", "round", "sum", "ord", "hash", "id", "decimal.Decimal",
                       "uuid.UUID", "isinstance", "time.time", "random.random", "random.randint", "secrets.randbelow",
                       "os.path.exists", "os.path.isfile", "any", "all", "range"}),
    encoders={
        "html.escape": Encoder(HTML), "cgi.escape": Encoder(HTML, is_certain=False), "markupsafe.escape": Encoder(HTML),
        "flask.escape": Encoder(HTML), "django.utils.html.escape": Encoder(HTML), "bleach.clean": Encoder(HTML),
        "django.utils.html.conditional_escape": Encoder(HTML, is_certain=False), "nh3.clean": Encoder(HTML),
        "xml.sax.saxutils.escape": Encoder(HTML, is_certain=False), "werkzeug.utils.escape": Encoder(HTML),
        "shlex.quote": Encoder(SHELL), "pipes.quote": Encoder(SHELL),
        "werkzeug.utils.secure_filename": Encoder(FILE_NAME), "os.path.basename": Encoder(FILE_NAME, is_certain=False),
        "urllib.parse.quote": Encoder(HTML, is_certain=False),
        "urllib.parse.quote_plus": Encoder(HTML, is_certain=False),
        "ldap.filter.escape_filter_chars": Encoder(DIRECTORY),
        "ldap3.utils.conv.escape_filter_chars": Encoder(DIRECTORY),
    },
    passing=words(
        """
        str repr bytes bytearray format list tuple set sorted reversed dict iter next enumerate zip max min filter
        map urllib.parse.unquote html.unescape urllib.parse.unquote_plus urllib.parse.urlparse urllib.parse.urlencode
        urllib.parse.urljoin base64.b64encode base64.b64decode base64.urlsafe_b64decode base64.urlsafe_b64encode
        base64.standard_b64decode os.path.join os.path.normpath os.path.abspath os.path.realpath os.path.expanduser
        os.path.dirname os.path.splitext pathlib.Path pathlib.PurePath io.StringIO io.BytesIO json.loads json.dumps
        copy.copy copy.deepcopy textwrap.dedent binascii.unhexlify binascii.hexlify codecs.decode codecs.encode
        re.sub re.split string.Template sqlalchemy.text sqlalchemy.sql.text markupsafe.Markup flask.Markup
        django.utils.safestring.mark_safe shlex.split codecs.escape_decode posixpath.join ntpath.join
        itertools.chain urllib.request.Request typing.cast
        """
    ),
    fixed=frozenset({"os.getcwd", "os.sep", "os.linesep", "datetime.datetime.now", "datetime.datetime.utcnow",
                     "uuid.uuid4",
                     "time.strftime", "__file__", "__name__", "os.path.sep"}),
    harmless=frozenset({"find", "rfind", "index", "rindex"}),
    maps=frozenset({"dict", "collections.OrderedDict", "collections.defaultdict", "configparser.ConfigParser",
                    "configparser.RawConfigParser"}),
    lists=frozenset({"list", "set", "frozenset", "tuple", "collections.deque"}),
    endings=frozenset({"flask.abort", "werkzeug.exceptions.abort", "bottle.abort", "sys.exit",
                       "exit", "quit", "os._exit"}),
)  # fmt: skip

JAVASCRIPT = Library(
    request_members=words(
        """
        query body params headers cookies signedCookies files file url originalUrl path hostname host href search
        querystring rawBody fields baseUrl subdomains protocol ip_ rawHeaders
        """
    ),
    request_methods=words("get header param query body json text formData"),
    local_sources={"process.argv": "command-line arguments", "process.env": "the environment"},
    numbers=frozenset({"parseInt", "parseFloat", "Number", "Number.parseInt", "Number.parseFloat", "Boolean", "BigInt",
                       "Math.floor", "Math.round", "Math.abs", "Math.ceil", "Math.max", "Math.min", "Math.trunc",
                       "isNaN",
                       "Number.isInteger", "Number.isNaN", "Date.now", "Math.random", "Array.isArray",
                       "fs.existsSync"}),
    encoders={
        "escape-html": Encoder(HTML), "he.encode": Encoder(HTML), "he.escape": Encoder(HTML),
        "lodash.escape": Encoder(HTML),
        "underscore.escape": Encoder(HTML), "validator.escape": Encoder(HTML), "dompurify.sanitize": Encoder(HTML),
        "DOMPurify.sanitize": Encoder(HTML), "isomorphic-dompurify.sanitize": Encoder(HTML), "xss": Encoder(HTML),
        "sanitize-html": Encoder(HTML), "html-escaper.escape": Encoder(HTML),
        "handlebars.escapeExpression": Encoder(HTML),
        "Handlebars.escapeExpression": Encoder(HTML), "validator.default.escape": Encoder(HTML),
        "encodeURIComponent": Encoder(HTML, is_certain=False), "encodeURI": Encoder(HTML, is_certain=False),
        "path.basename": Encoder(FILE_NAME, is_certain=False), "sanitize-filename": Encoder(FILE_NAME),
        "shell-quote.quote": Encoder(SHELL), "mysql.escape": Encoder(frozenset({Family.SQL})),
        "mysql2.escape": Encoder(frozenset({Family.SQL})), "sqlstring.escape": Encoder(frozenset({Family.SQL})),
    },
    passing=words(
        """
        String decodeURIComponent decodeURI unescape escape atob btoa JSON.stringify JSON.parse Buffer.from
        Array.from util.format path.join path.resolve path.normalize path.dirname querystring.parse url.parse
        url.resolve URL URLSearchParams Object.assign Object.keys Object.values Object.entries String.raw Set Array
        Buffer lodash.trim structuredClone Object.freeze RegExp
        """
    ),
    fixed=frozenset({"__dirname", "__filename", "process.cwd", "os.EOL", "path.sep", "os.tmpdir"}),
    maps=frozenset({"Map", "Object"}),
    lists=frozenset({"Set"}),
    displays=frozenset({"Array.of"}),
    wrappers=frozenset({"Object.freeze", "Array.from"}),
    endings=frozenset({"process.exit"}),
)  # fmt: skip

JAVA = Library(
    request_members=frozenset(),
    request_methods=words(
        """
        getParameter getParameterValues getParameterMap getParameterNames getHeader getHeaders getHeaderNames
        getCookies getQueryString getInputStream getReader getPathInfo getRequestURI getRequestURL getServletPath
        getPart getParts getPathTranslated getHeaderValues getQueryParams getPath getFile getFileMap getFiles
        getFileNames
        """
    ),
    local_sources={"System.getenv": "the environment", "System.console": "typed input"},
    numbers=words(
        """
        Integer.parseInt Integer.valueOf Long.parseLong Long.valueOf Short.parseShort Short.valueOf Byte.parseByte
        Double.parseDouble Double.valueOf Float.parseFloat Float.valueOf Boolean.parseBoolean Boolean.valueOf
        UUID.fromString Math.abs Math.max Math.min Integer.decode Objects.isNull Objects.nonNull Objects.equals
        System.currentTimeMillis System.nanoTime StringUtils.isBlank StringUtils.isEmpty StringUtils.isNumeric
        StringUtils.length Character.isDigit Character.isLetter
        """
    ),
    encoders={
        "Encode.forHtml": Encoder(HTML), "Encode.forHtmlContent": Encoder(HTML),
        "Encode.forHtmlAttribute": Encoder(HTML),
        "HtmlUtils.htmlEscape": Encoder(HTML), "StringEscapeUtils.escapeHtml": Encoder(HTML),
        "StringEscapeUtils.escapeHtml3": Encoder(HTML), "StringEscapeUtils.escapeHtml4": Encoder(HTML),
        "StringEscapeUtils.escapeXml": Encoder(HTML, is_certain=False),
        "HtmlEscapers.htmlEscaper().escape": Encoder(HTML),
        "Jsoup.clean": Encoder(HTML), "URLEncoder.encode": Encoder(HTML, is_certain=False),
        "FilenameUtils.getName": Encoder(FILE_NAME), "LdapEncoder.filterEncode": Encoder(DIRECTORY),
        "LdapEncoder.nameEncode": Encoder(DIRECTORY, is_certain=False), "StringEscapeUtils.escapeSql":
            Encoder(frozenset({Family.SQL}), is_certain=False),
    },
    # OWASP ESAPI is reached through `ESAPI.encoder()` or an `Encoder` kept in a variable.
    method_encoders={
        "encodeForHTML": Encoder(HTML), "encodeForHTMLAttribute": Encoder(HTML), "encodeForLDAP": Encoder(DIRECTORY),
        "encodeForXPath": Encoder(QUERY), "encodeForSQL": Encoder(frozenset({Family.SQL}), is_certain=False),
        "encodeForOS": Encoder(SHELL, is_certain=False),
    },
    passing=words(
        """
        URLDecoder.decode String.valueOf String.format String.join String String.copyValueOf Base64.encodeBase64
        Base64.decodeBase64 Base64.encodeBase64String StringBuilder.toString Paths.get Path.of File URI URI.create
        URL StringReader ByteArrayInputStream InputSource InputStreamReader BufferedReader Arrays.asList List.of
        Set.of Map.of Arrays.copyOf Optional.of Optional.ofNullable Objects.requireNonNull Objects.toString
        StringUtils.trim StringUtils.strip StringUtils.join Scanner StringTokenizer Collections.list
        Collections.singletonList Integer.toString Long.toString Double.toString Float.toString Character.toString
        Base64.getDecoder().decode Base64.getEncoder().encode Base64.getEncoder().encodeToString
        Base64.getMimeDecoder().decode FileSystems.getDefault().getPath UriUtils.decode MessageFormat.format Locale
        ArrayDeque
        """
    ),
    fixed=frozenset({"System.getProperty", "System.lineSeparator", "File.separator", "Locale.US", "Locale.ROOT",
                     "LocalDate.now", "LocalDateTime.now", "Instant.now", "UUID.randomUUID",
                     "StandardCharsets.UTF_8"}),
    harmless=frozenset({"find", "ordinal", "getTime"}),
    maps=frozenset({"HashMap", "LinkedHashMap", "TreeMap", "ConcurrentHashMap", "Properties", "Hashtable"}),
    lists=frozenset({"ArrayList", "LinkedList", "HashSet", "LinkedHashSet", "TreeSet", "Vector", "ArrayDeque"}),
    texts=frozenset({"StringBuilder", "StringBuffer"}),
    holders=frozenset({"ProcessBuilder"}),
    streams=frozenset({"FileInputStream", "FileOutputStream", "FileReader", "FileWriter", "RandomAccessFile"}),
    displays=frozenset({"Set.of", "List.of", "Arrays.asList", "ImmutableSet.of", "ImmutableList.of",
                        "Collections.singleton"}),
    wrappers=frozenset({"Collections.unmodifiableList", "Collections.unmodifiableSet", "Set.copyOf", "List.copyOf"}),
    endings=frozenset({"System.exit"}),
)  # fmt: skip

LIBRARY_OF_LANGUAGE = {"python": PYTHON, "javascript": JAVASCRIPT, "typescript": JAVASCRIPT, "java": JAVA}

# Names by which frameworks hand a request to a function, where its type does not say so.
REQUEST_PARAMETERS = frozenset({"req", "request"})
CONTEXT_PARAMETERS = frozenset({"ctx", "context"})
RESPONSE_PARAMETERS = frozenset({"res", "resp", "response", "reply", "next", "h"})
REQUEST_TYPES = re.compile(
    r"\b(HttpServletRequest|ServletRequest|WebRequest|NativeWebRequest|MultipartHttpServletRequest|ServerHttpRequest"
    r"|HttpRequest|WSGIRequest|Request|FastifyRequest|NextApiRequest|NextRequest|IncomingMessage)\b"
)
ROUTE_MARK = re.compile(r"^[\w.]+\.(route|get|post|put|delete|patch|head|options|api_route|websocket)\(\s*[rf]?[\"']")
SPRING_ROUTE_MARK = re.compile(r"^(Request|Get|Post|Put|Delete|Patch)Mapping\b|^(GET|POST|PUT|DELETE|PATCH|Path)\b")
OUTSIDE_MARK = re.compile(
    r"^(RequestParam|PathVariable|RequestBody|RequestHeader|CookieValue|RequestPart|ModelAttribute|MatrixVariable"
    r"|QueryParam|PathParam|FormParam|HeaderParam|CookieParam|FormDataParam|Query|Param|Body|Headers)\b"
)
NUMBER_TYPES = re.compile(
    r"^(?:Optional\[)?(int|float|bool|UUID|uuid\.UUID|long|short|byte|double|boolean|Integer|Long|Short|Byte|Double|Float"
    r"|Boolean|BigInteger|BigDecimal|Decimal|date|datetime|LocalDate|LocalDateTime|Instant)(?:\s*\|\s*None|\])?$"
)
INJECTED_DEFAULT = re.compile(r"\b(Depends|Security|inject)\s*\(")
