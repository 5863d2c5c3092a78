// CloudFront Function on viewer requests for media (runtime cloudfront-js-2.0).
// It makes requests that mean one picture ask for one object of the cache: from the query only size, quality and
// format are kept, in one order and within bounds, and the format is chosen from what the browser accepts.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html

// The formats to choose from, the smallest first.
var FORMATS = [{% for it in formats %}'{{ it }}'{% if not loop.last %}, {% endif %}{% endfor %}];
// What the shop wants when the address does not say: percent.
var QUALITY = {{ quality }};
// No picture is made wider or higher than this: pixels.
var MAX_SIZE = {{ max_width }};

// What is made smaller. GIF stays as it is: it may move. SVG has no pixels.
var IMAGE = /\.(?:jpe?g|png|webp)$/i;

function handler(event) {
    var request = event.request;
    var isRead = request.method === 'GET' || request.method === 'HEAD';
    if (!isRead || !IMAGE.test(request.uri)) {
        // Magento's ?v= and the like tell browsers apart, not objects.
        request.querystring = {};
        return request;
    }
    return {{ keyed }}(request, operations(request));
}

// What is asked for, as `name=value`, always in this order.
function operations(request) {
    var asked = [];
    var format = chosenFormat(request);
    if (format) {
        asked.push('format=' + format);
    }
    var width = whole(request.querystring.width, MAX_SIZE);
    var height = whole(request.querystring.height, MAX_SIZE);
    if (width) {
        asked.push('width=' + width);
    }
    if (height) {
        asked.push('height=' + height);
    }
    // A picture that is left alone has no quality to choose.
    if (asked.length > 0) {
        asked.push('quality=' + (whole(request.querystring.quality, 100) || QUALITY));
    }
    return asked;
}

// A format by name wins over what the browser says that it takes.
function chosenFormat(request) {
    var named = request.querystring.format;
    if (named && FORMATS.indexOf(named.value.toLowerCase()) >= 0) {
        return named.value.toLowerCase();
    }
    var accept = request.headers.accept ? request.headers.accept.value.toLowerCase() : '';
    for (var i = 0; i < FORMATS.length; i++) {
        if (accept.indexOf('image/' + FORMATS[i]) >= 0) {
            return FORMATS[i];
        }
    }
    return '';
}

// A whole number from 1 to `most`; 0 for what is none.
function whole(parameter, most) {
    if (!parameter || !/^[0-9]{1,5}$/.test(parameter.value)) {
        return 0;
    }
    return Math.min(parseInt(parameter.value, 10), most);
}

{% if keyed == 'keyedByPath' %}
// The bucket holds each copy behind the original's path; what it does not hold is made by the second origin.
function keyedByPath(request, asked) {
    request.querystring = {};
    request.uri += '/' + (asked.join(',') || 'original');
    return request;
}
{% else %}
// The shop's own nodes hold the originals: the format goes along as a header, the rest as the query.
function keyedByQuery(request, asked) {
    request.querystring = {};
    request.headers['x-img-format'] = { value: 'original' };
    asked.forEach(function (it) {
        var pair = it.split('=');
        if (pair[0] === 'format') {
            request.headers['x-img-format'] = { value: pair[1] };
        } else {
            request.querystring[pair[0]] = { value: pair[1] };
        }
    });
    return request;
}
{% endif %}
